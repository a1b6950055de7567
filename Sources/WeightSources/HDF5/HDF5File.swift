import Tensors

/// An HDF5 file: its table, and its data mapped where it lies plainly in the file, decoded where it
/// does not.
struct HDF5File: Sendable {
  /// The most bytes that a file of any size may decode to: twice ResNet152 in float32.
  static let freeDecodedBytes = 512 << 20

  /// The most times its own size that a larger file may decode to; weights compress to no less than a
  /// half, and networks of zeros are small.
  static let maximumExpansion = 16

  /// The file.
  let path: String

  /// What the file holds.
  let table: HDF5Table

  private let file: MappedFile
  private let range: Range<Int>
  private let decoded: [String: TensorData]

  /// Opens a range of a mapped file.
  ///
  /// - Throws: `InputError` where the range is no whole HDF5 file or holds what is never followed.
  init(_ file: MappedFile, range: Range<Int>) async throws {
    let child = HDF5Child(path: file.path, accessPath: file.accessPath)
    path = file.path
    self.file = file
    self.range = range
    table = try await child.table(offset: range.lowerBound, length: range.count)
    let coded = table.datasets.filter { $0.offset == nil }.compactMap(\.info)
    let limit = max(Self.freeDecodedBytes, range.count * Self.maximumExpansion)
    var total = 0
    for info in coded {
      let (sum, overflow) = total.addingReportingOverflow(info.byteCount ?? .max)
      guard !overflow, sum <= limit else {
        throw InputError(
          .badData, path: path, "declares more compressed data than any network has",
          place: info.name)
      }
      total = sum
    }
    guard !coded.isEmpty else {
      decoded = [:]
      return
    }
    let elements = try await child.elements(
      of: coded, offset: range.lowerBound, length: range.count, limit: total)
    decoded = Dictionary(
      uniqueKeysWithValues: zip(coded, elements).map { info, bytes in
        (info.name, TensorData(dtype: info.dtype, shape: info.shape, bytes: bytes))
      })
  }

  /// The elements of a dataset of the table.
  func tensor(_ dataset: HDF5Table.Dataset) throws -> TensorData {
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
