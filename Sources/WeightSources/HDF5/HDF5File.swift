import Files
import Tensors

/// An HDF5 file: its table, and its data mapped where it lies plainly in the file, decoded where it
/// does not.
struct HDF5File: Sendable {
  /// The most bytes that a file of any size may decode to: ResNet152V2 in float32 has 242 MB.
  static let freeDecodedBytes = 256 << 20

  /// The most times its own size that a larger file may decode to; weights compress to no less than a
  /// half, and networks of zeros are small.
  static let maximumExpansion = 16

  /// The file.
  let path: String

  /// What the file holds.
  let table: HDF5Table

  private let file: MappedFile
  private let range: Range<Int>
  private let coded: [TensorInfo]
  private var decoded: [String: TensorData] = [:]

  /// Opens a range of a mapped file.
  ///
  /// - Throws: `InputError` where the range is no whole HDF5 file or holds what is never followed.
  init(_ file: MappedFile, range: Range<Int>) throws {
    try HDF5Superblock.checkEnd(of: file, range: range)
    let child = HDF5Child(path: file.path, accessPath: file.accessPath)
    path = file.path
    self.file = file
    self.range = range
    table = try child.table(offset: range.lowerBound, length: range.count)
    // Of a file that somebody writes, the table may be of another state than the data.
    try file.checkUnchanged()
    coded = try Self.coded(table, length: range.count, path: path)
  }

  /// The same file with those of some datasets decoded that do not lie plainly in it.
  ///
  /// - Throws: `InputError` where one cannot be decoded.
  func decoding(_ datasets: some Sequence<HDF5Table.Dataset>) throws -> HDF5File {
    let wanted = Set(datasets.map(\.path))
    let coded = coded.filter { wanted.contains($0.name) }
    guard !coded.isEmpty else { return self }
    let elements = try HDF5Child(path: file.path, accessPath: file.accessPath).elements(
      of: coded, offset: range.lowerBound, length: range.count,
      limit: coded.reduce(0) { $0 + ($1.byteCount ?? 0) })
    try file.checkUnchanged()
    var result = self
    for (info, data) in zip(coded, elements) { result.decoded[info.name] = data }
    return result
  }

  /// Where the elements of a dataset lie plainly; `nil` where they do not.
  func place(of dataset: HDF5Table.Dataset) -> (file: MappedFile, range: Range<Int>)? {
    guard let offset = dataset.offset, let bytes = dataset.info?.byteCount else { return nil }
    let start = range.lowerBound + offset
    return (file, start..<start + bytes)
  }

  /// The datasets that must be decoded, if all data together has a plausible size.
  ///
  /// One dataset may stand at many places of a file: what they have together is bounded too.
  private static func coded(_ table: HDF5Table, length: Int, path: String) throws -> [TensorInfo] {
    let plainLimit = length * maximumExpansion
    let codedLimit = max(freeDecodedBytes, plainLimit)
    var (plain, decoded) = (0, 0)
    for dataset in table.datasets {
      guard let info = dataset.info else { continue }
      let isPlain = dataset.offset != nil
      let (sum, overflow) = (isPlain ? plain : decoded)
        .addingReportingOverflow(info.byteCount ?? .max)
      guard !overflow, sum <= (isPlain ? plainLimit : codedLimit) else {
        throw InputError(
          .badData, path: path,
          isPlain
            ? "declares many times more data than it holds"
            : "declares more compressed data than any network has", place: info.name)
      }
      if isPlain { plain = sum } else { decoded = sum }
    }
    return table.datasets.filter { $0.offset == nil }.compactMap(\.info)
  }

  /// The elements of a dataset of the table.
  func tensor(_ dataset: HDF5Table.Dataset) throws(InputError) -> TensorData {
    guard let info = dataset.info else {
      throw InputError(
        .badData, path: path, dataset.problem ?? "cannot be read", place: dataset.path)
    }
    if let tensor = decoded[info.name] { return tensor }
    guard let offset = dataset.offset,
      let tensor = TensorData(
        dtype: info.dtype, shape: info.shape, file: file, offset: range.lowerBound + offset)
    else { throw InputError(.badData, path: path, "lies outside the file", place: dataset.path) }
    return tensor
  }

  /// Whether a file begins as HDF5 does: the signature at 0, or after a user block of a power of
  /// two.
  static func isHDF5(_ file: MappedFile) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    var offset = 0
    while let bytes = file.bytes(at: offset, count: signature.count) {
      if bytes == signature { return true }
      offset = offset == 0 ? 512 : offset * 2
    }
    return false
  }
}
