package import Families
import Files
import Plain
package import ResNetV2
import Tensors

extension Limits.Override {
  private static let maximumBytes = 1 << 20

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
    guard file.count <= maximumBytes, let bytes = file.bytes(at: 0, count: file.count) else {
      throw InputError(.badData, path: path, "is too large for a file of limits")
    }
    let overrides: [Limits.Override]
    do throws(FormatFault) {
      overrides = try parse(bytes)
    } catch {
      throw InputError(
        .badData, path: path, error.problem,
        place: #"\#(error.place); one object such as {"conv5_*": 1e-4, "probs": 1e-3} was expected"#
      )
    }
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

  /// Reads exactly one object of patterns and numbers.
  private static func parse(_ bytes: [UInt8]) throws(FormatFault) -> [Limits.Override] {
    var result: [Limits.Override] = []
    var json = JSONReader(bytes)
    try json.object { pattern, json throws(FormatFault) in
      guard !pattern.isEmpty else { throw json.fault("has a pattern without a character") }
      guard let limit = Double(try json.number()), limit > 0, limit.isFinite else {
        throw json.fault("has a limit that is no positive number")
      }
      result.append(Limits.Override(layers: Glob(pattern), limit: limit))
    }
    guard json.next() == nil else { throw json.fault("goes on after its closing brace") }
    return result
  }
}
