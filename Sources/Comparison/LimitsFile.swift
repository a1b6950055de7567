package import Families
import Files
import Plain
package import ResNetV2
import Tensors

extension Limits.Override {
  /// Reads a file of limits, one JSON object of patterns and numbers: `{"conv5_*": 1e-4, "probs": 1e-3}`.
  ///
  /// The order of the file is kept, because the last pattern that matches a layer counts.
  ///
  /// - Throws: `InputError` where it is of another form, has a pattern twice or one that no layer matches,
  ///   or a limit that is no positive number.
  package static func read(
    path: String, graph: Graph, layerNames: LayerNames
  ) throws -> [Limits.Override] {
    var overrides: [Limits.Override] = []
    let file = EntriesFile(
      path: path, kind: "file of limits", example: #"{"conv5_*": 1e-4, "probs": 1e-3}"#)
    try file.read { pattern, json throws(FormatFault) in
      guard !pattern.isEmpty else { throw json.fault("has a pattern without a character") }
      guard let limit = Double(try json.number()), limit > 0, limit.isFinite else {
        throw json.fault("has a limit that is no positive number")
      }
      overrides.append(Limits.Override(layers: Glob(pattern), limit: limit))
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
}
