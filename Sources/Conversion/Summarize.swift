package import Families
import Files
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
  /// Of the families that have a name, the first in their list is taken, or the one that is asked for.
  ///
  /// - Throws: `InputError` where it is neither; with all names where it is no path either.
  package init(_ text: String, family: Family?) throws {
    let families = family.map { [$0] } ?? Family.all
    for candidate in families {
      guard let configuration = candidate.configuration(architecture: text) else { continue }
      name = text
      self.family = candidate
      graph = try Graph(configuration)
      layerNames = candidate.layerNames(for: graph)
      return
    }
    let model: Model
    do {
      model = try Model(path: text, family: family)
    } catch let error as InputError where error.reason == .missing && !text.contains("/") {
      let names = Set(families.flatMap(\.architectureNames)).sorted()
      throw InputError(
        error.kind, path: text, "is no file and no network",
        place: "networks are \(names.joined(separator: ", "))", reason: .missing)
    }
    name = fileName(of: text)
    self.family = model.family
    graph = model.graph
    layerNames = model.layerNames
  }
}
