package import Families
package import ResNetV2
import Tensors

extension Limits.Override {
  /// Reads a file of limits, one JSON object of patterns and numbers: `{"conv5_*": 1e-4, "probs": 1e-3}`.
  ///
  /// The order of the file is kept, because the last pattern that matches a layer counts. A general JSON
  /// reader would lose it, and would take one of two equal names without a word.
  ///
  /// - Throws: `InputError` where it is of another form, has a pattern twice or one that no layer matches,
  ///   or a limit that is no positive number.
  package static func read(
    path: String, graph: Graph, layerNames: LayerNames
  ) throws -> [Limits.Override] {
    let file = try MappedFile(path: path)
    guard file.count <= LimitsParser.maximumBytes,
      let bytes = file.bytes(at: 0, count: file.count)
    else { throw InputError(.badData, path: path, "is too large for a file of limits") }
    var parser = LimitsParser(bytes, path: path)
    let overrides = try parser.overrides()
    for override in overrides {
      let isKnown = graph.nodes.dropFirst().contains {
        override.layers.matches(name: $0.name, familyName: layerNames.name(of: $0.name))
      }
      guard isKnown else {
        let examples = graph.nodes.dropFirst().prefix(3).map {
          layerNames.name(of: $0.name) ?? $0.name
        }
        throw InputError(
          .badData, path: path, "has a pattern that no layer matches", place: override.layers.text,
          hint: "layers are called \(examples.joined(separator: ", ")), …")
      }
    }
    return overrides
  }
}

/// Reads the JSON of a file of limits: exactly one object of names and numbers.
private struct LimitsParser {
  static let maximumBytes = 1 << 20

  private let bytes: [UInt8]
  private let path: String
  private var position = 0

  init(_ bytes: [UInt8], path: String) {
    self.bytes = bytes
    self.path = path
  }

  mutating func overrides() throws(InputError) -> [Limits.Override] {
    var result: [Limits.Override] = []
    try expect("{")
    if !take("}") {
      repeat {
        let start = position
        let pattern = try text()
        guard !pattern.isEmpty else { throw error("has a pattern without a character", at: start) }
        guard !result.contains(where: { $0.layers.text == pattern }) else {
          throw error("has the pattern \(pattern) twice", at: start)
        }
        try expect(":")
        result.append(.init(layers: Glob(pattern), limit: try limit()))
      } while take(",")
      try expect("}")
    }
    skipSpace()
    guard position == bytes.count else { throw error("goes on after its closing brace") }
    return result
  }

  private mutating func limit() throws(InputError) -> Double {
    skipSpace()
    let start = position
    while position < bytes.count, "+-.0123456789eE".utf8.contains(bytes[position]) { position += 1 }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard let value = Double(text), value > 0, value.isFinite else {
      throw error("has a limit that is no positive number", at: start)
    }
    return value
  }

  /// A string without escapes: names of layers have none.
  private mutating func text() throws(InputError) -> String {
    try expect("\"")
    let start = position
    while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
      guard bytes[position] >= 0x20, bytes[position] != UInt8(ascii: "\\") else {
        throw error("has a name with a control character or an escape")
      }
      position += 1
    }
    let name = String(validating: bytes[start..<position], as: UTF8.self)
    try expect("\"")
    guard let name else { throw error("has a name that is no UTF-8", at: start) }
    return name
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func expect(_ character: Unicode.Scalar) throws(InputError) {
    guard take(character) else { throw error("has no \(character) where one was expected") }
  }

  private mutating func skipSpace() {
    while position < bytes.count, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[position]) {
      position += 1
    }
  }

  private func error(_ problem: String, at place: Int? = nil) -> InputError {
    let line = bytes.prefix(place ?? position).count { $0 == 0x0A } + 1
    return InputError(
      .badData, path: path, problem,
      place: #"line \#(line); one object such as {"conv5_*": 1e-4, "probs": 1e-3} was expected"#)
  }
}
