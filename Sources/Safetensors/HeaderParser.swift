package import Plain
import Tensors

/// Reads the JSON of a safetensors header: exactly the structure that the format has, and nothing
/// more.
struct HeaderParser {
  /// The header's parts, in the order of the file.
  struct Contents {
    /// No key occurs twice, though accents may be composed otherwise in two of them.
    var metadata: [(key: String, value: String)] = []
    var entries: [Entry] = []
  }

  /// One tensor as the header has it.
  struct Entry {
    var name: String
    var dtype: String
    var shape: [Int]
    var begin: Int
    var end: Int
  }

  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
  }

  /// - Throws: ``FormatFault`` for the first rule that is broken.
  func contents() throws(FormatFault) -> Contents {
    var contents = Contents()
    var names: Set<String> = []
    var json = JSONReader(bytes, subject: "its header", origin: 8)
    try json.onlyObject { name, json throws(FormatFault) in
      guard names.insert(name).inserted else {
        throw json.fault("has two entries named \(name.shortened)")
      }
      if name == "__metadata__" {
        contents.metadata = try Self.metadata(&json)
      } else {
        contents.entries.append(try Self.entry(name, &json))
      }
    }
    return contents
  }

  private static func metadata(
    _ json: inout JSONReader
  ) throws(FormatFault) -> [(key: String, value: String)] {
    var result: [(key: String, value: String)] = []
    try json.object { key, json throws(FormatFault) in
      result.append((key, try json.text()))
    }
    return result
  }

  private static func entry(
    _ name: String, _ json: inout JSONReader
  ) throws(FormatFault) -> Entry {
    var dtype: String?
    var shape: [Int]?
    var offsets: [Int]?
    try json.object { key, json throws(FormatFault) in
      switch key {
      case "dtype": dtype = try json.text()
      case "shape": shape = try json.wholeNumbers()
      case "data_offsets": offsets = try json.wholeNumbers()
      default:
        throw json.fault("has an unexpected \(key.shortened) in the entry \(name.shortened)")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw json.fault("lacks dtype, shape or data_offsets in the entry \(name.shortened)")
    }
    return Entry(name: name, dtype: dtype, shape: shape, begin: offsets[0], end: offsets[1])
  }
}

extension JSONReader {
  /// Reads a list of whole numbers, such as a shape.
  package mutating func wholeNumbers() throws(FormatFault) -> [Int] {
    var result: [Int] = []
    try list { json throws(FormatFault) in
      guard result.count < Shape.maximumRank else { throw json.fault("has too many dimensions") }
      result.append(try json.wholeNumber())
    }
    return result
  }
}
