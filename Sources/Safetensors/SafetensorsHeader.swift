package import Files
package import Plain
package import Tensors

/// The header of a safetensors file, checked against the file's size.
///
/// All rules of the format hold for a value of this type: tensors follow one another without hole
/// or overlap, the last one ends with the file, and every size is what shape and type need.
package struct SafetensorsHeader: Sendable {
  /// The format's own limit.
  package static let maximumHeaderBytes = 100_000_000

  /// The longest name of a tensor.
  package static let maximumNameBytes = 1024

  /// A tensor and where it lies.
  package struct Entry: Sendable {
    /// The tensor.
    package let info: TensorInfo
    /// Where its bytes lie in the file.
    package let range: Range<Int>
  }

  /// The file's own words; of two keys that Swift takes for one, the first.
  package let metadata: [String: String]

  /// The file's own words as they are written.
  package let metadataPairs: [(key: String, value: String)]

  /// The tensors in the order of their data.
  package let entries: [Entry]

  /// Where the data begins.
  package let dataOffset: Int

  /// Reads and checks the header of a file.
  ///
  /// - Throws: ``FormatFault`` for the first rule that is broken.
  package init(_ file: MappedFile) throws(FormatFault) {
    guard let prefix = file.bytes(at: 0, count: 8) else {
      throw FormatFault(
        problem: "is too short for a safetensors file", place: "byte \(file.count)")
    }
    var reader = ByteReader(prefix)
    guard let declared = reader.read(UInt64.self), declared <= UInt64(Self.maximumHeaderBytes),
      let json = file.bytes(at: 8, count: Int(declared))
    else {
      throw FormatFault(
        problem: "declares a header that is larger than the file or the format allows",
        place: "byte 0")
    }
    let parser = HeaderParser(json)
    let contents = try parser.contents()
    dataOffset = 8 + json.count
    metadataPairs = contents.metadata
    metadata = Dictionary(contents.metadata.map { ($0, $1) }) { first, _ in first }
    entries = try Self.checked(contents.entries, dataOffset: dataOffset, fileSize: file.count)
  }

  /// Whether a file begins as a safetensors file does: a plausible length, then a brace.
  package static func isSafetensors(_ file: MappedFile) -> Bool {
    guard let prefix = file.bytes(at: 0, count: 9) else { return false }
    var reader = ByteReader(prefix)
    guard let length = reader.read(UInt64.self) else { return false }
    return prefix[8] == UInt8(ascii: "{") && length >= 2
  }

  private static func checked(
    _ entries: [HeaderParser.Entry], dataOffset: Int, fileSize: Int
  ) throws(FormatFault) -> [Entry] {
    var end = 0
    var result: [Entry] = []
    for entry in entries.sorted(by: { ($0.begin, $0.end) < ($1.begin, $1.end) }) {
      func fault(_ problem: String) -> FormatFault {
        FormatFault(problem: problem, place: "tensor \(entry.name.shortened)")
      }
      guard !entry.name.isEmpty, entry.name.utf8.count <= maximumNameBytes,
        !entry.name.utf8.contains(0)
      else { throw fault("has a name that is empty, too long or holds a NUL") }
      guard let dtype = DType(rawValue: entry.dtype) else {
        throw fault("has elements of type \(entry.dtype.shortened), which is not read")
      }
      guard let shape = Shape(validating: entry.shape),
        case let info = TensorInfo(name: entry.name, dtype: dtype, shape: shape),
        let size = info.byteCount
      else { throw fault("has an impossible shape \(entry.shape)") }
      guard entry.begin == end else {
        throw fault("begins at \(entry.begin) where \(end) was expected: a hole or an overlap")
      }
      guard entry.end >= entry.begin, entry.end - entry.begin == size else {
        throw fault("has offsets that do not fit its shape: \(size) bytes were expected")
      }
      guard entry.end <= fileSize - dataOffset else {
        throw fault("ends after the file: it is truncated")
      }
      end = entry.end
      result.append(Entry(info: info, range: dataOffset + entry.begin..<dataOffset + entry.end))
    }
    guard dataOffset + end == fileSize else {
      throw FormatFault(
        problem: "has \(fileSize - dataOffset - end) bytes after its last tensor",
        place: "byte \(dataOffset + end)")
    }
    return result
  }
}
