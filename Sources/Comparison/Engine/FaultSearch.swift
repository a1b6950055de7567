package import ResNetV2

/// The search for the first wrong layer by few looks: each look at a layer leaves out what it tells to be right, or what
/// comes after a wrong one.
///
/// A layer that is right has right layers before it, as a difference does not vanish on its way; one that is wrong is so
/// itself or because of a layer before it. This is how a bisection of a history with branches and merges goes.
package struct FaultSearch: Sendable {
  /// The layers of which one is the first wrong one, in the order of the graph; what is not known to be wrong at all is among
  /// them until a look tells.
  package private(set) var suspects: Set<Int>

  private let graph: Graph
  private let askable: Set<Int>
  private let ancestors: [Set<Int>]

  /// - Parameters:
  ///   - graph: the network.
  ///   - output: a layer that is wrong; the last one where `nil`.
  ///   - askable: the layers that can be looked at; all where `nil`.
  package init(_ graph: Graph, wrong output: Int? = nil, askable: Set<Int>? = nil) {
    self.graph = graph
    self.askable = askable ?? Set(graph.nodes.indices.dropFirst())
    var ancestors: [Set<Int>] = []
    for (index, node) in graph.nodes.enumerated() {
      ancestors.append(
        node.inputs.reduce(into: index == 0 ? [] : [index]) { $0.formUnion(ancestors[$1]) })
    }
    self.ancestors = ancestors
    suspects = ancestors[output ?? graph.outputIndex]
  }

  /// Takes note of what a look at a layer told.
  package mutating func note(_ node: Int, isRight: Bool) {
    if isRight {
      suspects.subtract(ancestors[node])
    } else {
      suspects.formIntersection(ancestors[node])
    }
  }

  /// The layer a look at which leaves the fewest suspects, whatever it tells; `nil` where none would leave fewer.
  package var next: Int? {
    guard suspects.count > 1 else { return nil }
    func rest(_ node: Int) -> Int {
      let before = ancestors[node].intersection(suspects).count
      return max(before, suspects.count - before)
    }
    return askable.intersection(suspects).map { (rest: rest($0), node: $0) }
      .filter { $0.rest < suspects.count }
      .min { $0 < $1 }?.node
  }

  /// The layers whose values would tell most, in the order of the graph: the one that halves the suspects, and those that halve
  /// the halves.
  package func next(atMost count: Int) -> [Int] {
    var result: [Int] = []
    var open = [self]
    while result.count < count, !open.isEmpty {
      let search = open.removeFirst()
      guard let node = search.next else { continue }
      result.append(node)
      for isRight in [true, false] {
        var half = search
        half.note(node, isRight: isRight)
        open.append(half)
      }
    }
    return result.sorted()
  }
}
