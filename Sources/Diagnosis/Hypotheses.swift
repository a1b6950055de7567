import Comparison
import Families
import Inference
import ResNetV2
import Tensors

/// One way in which a layer may be wrong, and what would put it right.
struct Hypothesis {
  /// What is wrong, in the family's words.
  let explanation: Explanation
  /// What would put it right, or what the engine does.
  let change: Change

  enum Change {
    /// Other tensors for some of the layer's parameters.
    case parameters([Parameter.Role: TensorData])
    /// The layer's weights in another order.
    case rearrangement(Rearrangement)
    /// Other options of the whole network.
    case configuration(Configuration)
    /// Something else than the layer computes from the same inputs; `nil` where it does not fit.
    case value(() throws -> Activation?)
  }
}

extension Diagnosis {
  /// Everything that is tried on a layer, the simplest first: of what explains equally well, that is
  /// named.
  ///
  /// - Parameter probe: a few values of the layer that tell most wrong weights.
  func hypotheses(
    for index: Int, of layer: LayerCase, probe: WeightProbe?
  ) throws -> [Hypothesis] {
    let node = comparison.candidate.graph.nodes[index]
    let orders = rearrangements(of: node)
    return swaps(in: node) + orders.filter { $0.1.lost == nil }.map(\.0) + missingBias(of: node)
      + statistics(of: node) + (try functions(of: index, layer)) + otherOptions(for: node)
      + (try adjustments(of: index, layer)) + tensorsOfOthers(for: node)
      + inputOrders(of: node, layer, probe: probe) + multipliedKernel(of: node)
      + otherKernels(of: node) + (try paddings(of: index, layer))
      + (try layersLeftOut(before: index, layer)) + (try layersPassedOver(before: index, layer))
      + orders.filter { $0.1.lost != nil }.map(\.0)
  }

  /// Two tensors of a norm in each other's place.
  private func swaps(in node: Node) -> [Hypothesis] {
    guard case .norm = node.operation else { return [] }
    let all = node.parameters
    return all.indices.flatMap { first in
      all.indices.dropFirst(first + 1).map { second in
        Hypothesis(
          explanation: Explanation(
            "\(word(all[first].role)) and \(word(all[second].role)) are swapped",
            engine: "has \(word(all[first].role)) and \(word(all[second].role)) swapped"),
          change: .parameters([
            all[first].role: parameters[all[second]], all[second].role: parameters[all[first]],
          ]))
      }
    }
  }

  /// The values of a kernel or matrix in another order.
  private func rearrangements(of node: Node) -> [(Hypothesis, Rearrangement)] {
    guard let weight = node.parameters.first(where: { $0.role == .weight }) else { return [] }
    return Rearrangement.all(for: weight.shape, isMade: isOfEngine).map {
      (Hypothesis(explanation: explanation(of: $0), change: .rearrangement($0)), $0)
    }
  }

  /// The input channels or features of the weights in another order, by a simple rule.
  private func inputOrders(
    of node: Node, _ layer: LayerCase, probe: WeightProbe?
  ) -> [Hypothesis] {
    guard let weight = node.parameters.first(where: { $0.role == .weight }),
      let sizes = Rearrangement.Sizes(weight.shape)
    else { return [] }
    // Without a probe each order costs as much as the layer.
    let few = ChannelOrder.all(sizes.inputs) + [.reversed(sizes.inputs)]
    let orders =
      probe.map { probe in parameters[weight].withFloats { probe.inputOrders($0) } } ?? few
    return orders.map { order in
      let rearrangement = Rearrangement.inputs(
        sizes, in: order, isMade: isOfEngine, word: channelWords(of: node).inputs)
      return Hypothesis(
        explanation: explanation(of: rearrangement), change: .rearrangement(rearrangement))
    }
  }

  private func explanation(of rearrangement: Rearrangement) -> Explanation {
    Explanation(
      "\(word(.weight)) \(rearrangement.explanation)",
      engine: "has a \(word(.weight)) that \(rearrangement.explanation)")
  }

  /// What the channels of a layer are called: those of a head are features and classes.
  func channelWords(of node: Node) -> (inputs: String, outputs: String) {
    guard case .dense = node.operation else { return ("input channels", "output channels") }
    let graph = comparison.candidate.graph
    let last = graph.nodes.last { if case .dense = $0.operation { true } else { false } }
    return ("features", node.name == last?.name ? "classes" : "outputs")
  }

  private func missingBias(of node: Node) -> [Hypothesis] {
    guard let bias = node.parameters.first(where: { $0.role == .bias }) else { return [] }
    let zeros = TensorData(
      shape: bias.shape, values: Array(repeating: 0, count: bias.shape.elementCount))
    return [
      Hypothesis(
        explanation: Explanation(
          "the reference has no \(word(.bias)) here", engine: "does not add its \(word(.bias))"),
        change: .parameters([.bias: zeros]))
    ]
  }

  /// The tensors of another layer: one of them, or all.
  private func tensorsOfOthers(for node: Node) -> [Hypothesis] {
    let own = node.parameters
    guard !own.isEmpty else { return [] }
    let others = comparison.candidate.graph.nodes.filter {
      $0.name != node.name && $0.parameters.map(\.shape) == own.map(\.shape)
        && $0.parameters.map(\.role) == own.map(\.role)
    }
    return others.flatMap { other in
      let name = displayName(of: other.name)
      let pairs = Array(zip(own, other.parameters))
      var result = pairs.map { own, other in
        Hypothesis(
          explanation: Explanation(
            "its \(word(own.role)) stands in \(name)",
            engine: "has the \(word(own.role)) of \(name)"),
          change: .parameters([own.role: parameters[other]]))
      }
      if pairs.count > 1 {
        let tensors = Dictionary(
          uniqueKeysWithValues: pairs.map { ($0.role, parameters[$1]) })
        result.append(
          Hypothesis(
            explanation: Explanation(
              "its tensors stand in \(name)", engine: "has the tensors of \(name)"),
            change: .parameters(tensors)))
      }
      return result
    }
  }

  func displayName(of node: String) -> String {
    comparison.layerNames.name(of: node) ?? node
  }
}
