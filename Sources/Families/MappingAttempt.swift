package import Files
package import ResNetV2
import SourceGraph
package import Tensors

/// A file's tensors laid beside the parameters of the network that its names are for, whether or not they fit.
package struct MappingAttempt: Sendable {
  /// The family whose names they are.
  package let family: Family

  /// The network.
  package let graph: Graph

  /// The parameters that are there, in the order of the graph.
  package let entries: [Mapping.Entry]

  /// The tensors that are passed over.
  package let waived: [Mapping.Waived]

  /// What the family supplied and the file does not tell.
  package let assumptions: [Assumption]

  /// What does not fit.
  package let problems: MappingProblems

  /// The layers that the file calls otherwise, by canonical name.
  let renamedLayers: [String: String]

  /// What was left out of a bigger model; `nil` where the file is the whole.
  let part: String?

  /// Finds the family of a file and lays its tensors beside the network's parameters.
  ///
  /// - Throws: `InputError` where no family has such names, or no network such stages.
  package init(
    _ source: some WeightSource, family requested: Family? = nil, part: ModelPart? = nil,
    told: Told = Told()
  ) throws(InputError) {
    let names = try SourceNames(source, told: told)
    let requested = requested ?? told.rules?.family.flatMap(Family.named)
    let stored = Dictionary(source.tensors.map { ($0.name, $0) }) { first, _ in first }
    guard
      let recognized = try Recognition(
        names, among: requested.map { [$0] } ?? Family.all, part: part)
    else { throw names.unrecognized(requested: requested) }
    let described = told.rules == nil ? try? source.graph() : nil
    let family = recognized.family
    if let error = recognized.withoutParameters(path: source.path) { throw error }
    var problems = MappingProblems(path: source.path)
    let network = try recognized.makeNetwork(
      described: described, description: source.networkDescription,
      listed: ListedLayers(
        part == nil ? source.layerList : LayerList(), ignoring: told.ignored, path: source.path),
      told: told, path: source.path)
    graph = network.graph
    problems.network = "\(family.architectureName(of: graph.configuration)) of \(family.title)"
    var unused = recognized.tensors
    var unusedOutside = recognized.outsiders
    var entries: [Mapping.Entry] = []
    var renamed = network.headNames.filter { $1 != family.layerName(of: $0) }
    for parameter in graph.parameters {
      let names = family.tensorNames(of: parameter.node, parameter.role)
      let own = network.headTensors[parameter.name]
      let name = own == nil ? names.first { unused[$0] != nil } : nil
      guard let tensor = own ?? name.flatMap({ unused[$0] }) else {
        problems.addMissing(parameter, name: recognized.prefix + (names.first ?? parameter.name))
        continue
      }
      if let own {
        unusedOutside.removeAll { $0.name == own.name }
        if let key = unused.first(where: { $0.value.name == own.name })?.key { unused[key] = nil }
      } else if let name {
        unused[name] = nil
        let layer = recognized.layerName(of: tensor, role: parameter.role)
        if parameter.role == .weight, layer != family.layerName(of: parameter.node) {
          renamed[parameter.node] = layer
        }
      }
      let layout = AxisOrder(
        parameter.role, rank: parameter.shape.rank, stored: tensor.shape, in: family.tensors)
      guard let shape = layout.parameterShape(of: tensor.shape), shape == parameter.shape else {
        problems.addMisshapen(tensor, expected: layout.tensorShape(of: parameter.shape))
        continue
      }
      guard tensor.dtype.isFloat else {
        problems.addWrongType(tensor)
        continue
      }
      entries.append(
        .init(
          parameter: parameter, tensor: stored[tensor.name] ?? tensor, layout: layout,
          rearrangement: recognized.rules.rearrangements[tensor.name]))
    }
    problems.addUnexpected(Array(unused.values) + unusedOutside)
    problems.explainStatistics(of: graph, in: family)
    self.family = family
    self.entries = entries
    self.problems = problems
    waived = recognized.waived
    renamedLayers = renamed
    self.part = part.map { _ in "left out: \(recognized.waived.count) tensors" }
    // A description tells what is read from it; all of it where it is compared.
    assumptions =
      graph.configuration.assumptions(
        told: (described != nil ? Assumption.readFromDescriptions : told.options)
          .union(network.known))
      + network.assumptions.filter { !told.tells($0) }
  }
}
