package import ResNetV2
package import Tensors

/// The network whose tensors are most like those of a file that no family knows: what rules for it may aim at.
package struct NearestNetwork: Sendable {
  /// The family.
  package let family: Family
  /// The network.
  package let graph: Graph
  /// What the file has not, and what it has beyond, with the nearest names.
  package let findings: [String]

  /// Returns `nil` where there is nothing to be alike.
  ///
  /// - Parameter requested: the family to take, or `nil` for the nearest of all.
  package init?(to source: some WeightSource, family requested: Family?) {
    let shapes = source.tensors.map(\.shape)
    let names = Set(source.tensors.map { SourceNames.cleaned($0.name) })
    var best: (score: Int, family: Family, graph: Graph)?
    for family in requested.map({ [$0] }) ?? Family.all {
      for architecture in family.architectureNames {
        guard let configuration = family.configuration(architecture: architecture),
          let graph = try? Graph(configuration)
        else { continue }
        let score = Self.likeness(of: graph, in: family, names: names, shapes: shapes)
        if score > best?.score ?? .min { best = (score, family, graph) }
      }
    }
    guard let best else { return nil }
    (family, graph) = (best.family, best.graph)
    var problems = MappingProblems(path: source.path)
    var found: Set<String> = []
    for parameter in graph.parameters {
      let own = family.tensorNames(of: parameter.node, parameter.role)
      if let name = own.first(where: names.contains) {
        found.insert(name)
      } else {
        problems.addMissing(parameter, name: own.first ?? parameter.name)
      }
    }
    problems.addUnexpected(
      source.tensors.filter { !found.contains(SourceNames.cleaned($0.name)) })
    findings = problems.findings
  }

  /// How many parameters have a tensor of their name, of their sizes, and of their kind; less what is there or missing
  /// of a kind.
  private static func likeness(
    of graph: Graph, in family: Family, names: Set<String>, shapes: [Shape]
  ) -> Int {
    let own = graph.parameters.map(\.shape)
    let sameNames = graph.parameters.count { parameter in
      family.tensorNames(of: parameter.node, parameter.role).contains(where: names.contains)
    }
    let (sizes, _) = common(
      own.map { $0.dimensions.sorted() }, shapes.map { $0.dimensions.sorted() })
    let (kinds, others) = common(own.map(\.kind), shapes.map(\.kind))
    return 2 * sameNames + sizes + kinds - others
  }

  /// How many values two lists have in common, and how many one has alone.
  private static func common<Value: Hashable>(_ first: [Value], _ second: [Value]) -> (Int, Int) {
    let counts = Dictionary(second.map { ($0, 1) }, uniquingKeysWith: +)
    let own = Dictionary(first.map { ($0, 1) }, uniquingKeysWith: +)
    let both = own.reduce(0) { $0 + min($1.value, counts[$1.key] ?? 0) }
    return (both, first.count + second.count - 2 * both)
  }
}

extension Shape {
  /// What a tensor of the shape may be, whatever its widths and layout: how many axes longer than 1, and the height of
  /// a kernel.
  var kind: [Int] {
    let sizes = dimensions.filter { $0 > 1 }
    guard rank == 4 else { return [sizes.count, 0] }
    let kernel = dimensions[2] == dimensions[3] ? dimensions[2] : dimensions[0]
    return [kernel == 1 ? 4 : sizes.count, kernel]
  }
}
