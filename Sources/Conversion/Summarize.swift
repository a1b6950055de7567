package import Families
package import ResNetV2
import Tensors

/// A network that is to be described without being run.
package struct NamedNetwork: Sendable {
  /// The architecture's name, or the file's.
  package let name: String
  /// The family.
  package let family: Family
  /// The network.
  package let graph: Graph
  /// What its layers are called.
  package let layerNames: LayerNames

  /// Takes an architecture's name, or opens a file.
  ///
  /// - Parameter families: the families in which a name is looked up, the first that has it is taken.
  /// - Throws: `InputError` where it is neither.
  package init(_ text: String, family: Family?, families: [Family]) throws {
    for candidate in family.map({ [$0] }) ?? families {
      guard let configuration = candidate.configuration(architecture: text) else { continue }
      name = text
      self.family = candidate
      graph = try Graph(configuration)
      layerNames = candidate.layerNames(for: graph)
      return
    }
    let model = try Model(path: text, family: family)
    name = fileName(of: text)
    self.family = model.family
    graph = model.graph
    layerNames = model.layerNames
  }
}
