package import Files
package import Tensors

/// The arrays of a `.npz` archive, or the single array of a `.npy` file.
///
/// Arrays of any order and byte order are handed out in row-major order and little-endian; those
/// that are stored so already are mapped, not copied.
package struct NumPySource: WeightSource {
  /// The name of the single array of a `.npy` file.
  package static let singleName = "array"

  /// `npz` or `npy`.
  package let container: String

  /// The path by which the file was opened.
  package let path: String

  /// The arrays in the order of the archive; names are without `.npy`.
  package let tensors: [TensorInfo]

  /// Always empty: NumPy's files say nothing of themselves.
  package let metadata: [String: String] = [:]

  /// The file itself.
  package let files: [SourceFile]

  private let arrays: [String: StoredArray]

  /// The most bytes that an archive of any size may inflate to.
  private static let freeInflatedBytes = 512 << 20

  /// Where an array lies.
  private struct StoredArray: Sendable {
    let header: NPYHeader
    let content: Content
  }

  private enum Content: Sendable {
    /// The file itself, from an offset of the array file.
    case plain(MappedFile, start: Int)
    /// A stored member, whose checksum is verified when it is read.
    case stored(ZipArchive, ZipArchive.Member)
    /// A deflated member.
    case deflated(ZipArchive, ZipArchive.Member)
  }

  /// Opens a `.npy` file.
  init(npy file: MappedFile) throws {
    let start = file.bytes(at: 0, count: min(file.count, NPYHeader.maximumHeaderBytes + 16)) ?? []
    let header = try Self.header(start, count: file.count, path: file.path, member: nil)
    files = [SourceFile(file)]
    container = "npy"
    path = file.path
    tensors = [TensorInfo(name: Self.singleName, dtype: header.dtype, shape: header.shape)]
    arrays = [Self.singleName: StoredArray(header: header, content: .plain(file, start: 0))]
  }

  /// Opens a `.npz` archive.
  init(npz archive: ZipArchive) throws {
    files = [SourceFile(archive.file)]
    container = "npz"
    path = archive.file.path
    var tensors: [TensorInfo] = []
    var arrays: [String: StoredArray] = [:]
    var inflated = 0
    let limit = max(Self.freeInflatedBytes, archive.file.count * ZipArchive.maximumExpansion)
    for member in archive.members {
      if !member.isStored { inflated += min(member.count, limit + 1) }
      guard inflated <= limit else {
        throw InputError(
          .badData, path: archive.file.path, "declares more compressed data than any network has",
          place: "\(member.name); \(limit) bytes of all members were expected at most")
      }
      guard member.name.hasSuffix(".npy") else {
        throw InputError(
          .badData, path: archive.file.path, "has a member that is not an array", place: member.name
        )
      }
      let name = String(member.name.dropLast(4))
      let content: Content =
        member.isStored ? .stored(archive, member) : .deflated(archive, member)
      let header = try Self.header(
        archive.prefix(of: member, count: NPYHeader.maximumHeaderBytes + 16), count: member.count,
        path: archive.file.path,
        member: member.name)
      tensors.append(TensorInfo(name: name, dtype: header.dtype, shape: header.shape))
      arrays[name] = StoredArray(header: header, content: content)
    }
    self.tensors = tensors
    self.arrays = arrays
  }

  /// Whether an archive is NumPy's: all members are arrays.
  static func isNPZ(_ archive: ZipArchive) -> Bool {
    !archive.members.isEmpty && archive.members.allSatisfy { $0.name.hasSuffix(".npy") }
  }

  /// Reads one array.
  package func tensor(named name: String) throws(InputError) -> TensorData {
    guard let array = arrays[name] else {
      throw .noTensor(name, in: path)
    }
    let header = array.header
    switch array.content {
    case .plain(let file, let start):
      return try tensor(header, in: file, start: start, name: name)
    case .stored(let archive, let member):
      try archive.verify(member)
      return try tensor(header, in: archive.file, start: member.range.lowerBound, name: name)
    case .deflated(let archive, let member):
      var bytes = try archive.bytes(of: member, limit: member.count)
      // The whole stream gives what its beginning gave: the checksum holds for both.
      bytes.removeFirst(header.dataOffset)
      return header.elements.tensor(from: bytes)
    }
  }

  private func tensor(
    _ header: NPYHeader, in file: MappedFile, start: Int, name: String
  ) throws(InputError) -> TensorData {
    let offset = start + header.dataOffset
    if header.elements.areInOrder,
      let mapped = TensorData(dtype: header.dtype, shape: header.shape, file: file, offset: offset)
    {
      return mapped
    }
    let count = header.shape.elementCount * header.dtype.byteWidth
    guard let bytes = file.bytes(at: offset, count: count) else {
      throw InputError(.badData, path: path, "has an array outside the file", place: name)
    }
    return header.elements.tensor(from: bytes)
  }

  /// Reads a header and checks that the elements fill the file exactly.
  private static func header(
    _ start: [UInt8], count: Int, path: String, member: String?
  ) throws -> NPYHeader {
    let header: NPYHeader
    do {
      header = try NPYHeader(start)
    } catch let fault {
      let place = [member, fault.expected].compactMap { $0 }.joined(separator: "; ")
      throw InputError(.badData, path: path, fault.problem, place: place)
    }
    let info = TensorInfo(name: "", dtype: header.dtype, shape: header.shape)
    let available = count - header.dataOffset
    guard let expected = info.byteCount, expected == available else {
      let size = info.byteCount.map { "\($0) bytes" } ?? "more bytes than can be counted"
      let isCut = member == nil && info.byteCount.map { $0 > available } ?? false
      throw InputError(
        .badData, path: path,
        isCut
          ? "is cut off: its shape \(header.shape) does not fit its size"
          : "has an array whose shape \(header.shape) does not fit its size",
        place: (member.map { $0 + "; " } ?? "") + "\(size) were expected, \(available) are there")
    }
    return header
  }
}
