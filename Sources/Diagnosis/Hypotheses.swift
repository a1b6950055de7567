import Comparison
import Families
import Inference
import ResNetV2
import Tensors

/// One way in which a layer may be wrong, and what would put it right.
struct Hypothesis {
  /// What is wrong, in the family's words.
  let explanation: String
  /// What would put it right.
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
      + (try layersLeftOut(before: index, layer))
      + orders.filter { $0.1.lost != nil }.map(\.0)
  }

  /// Two tensors of a norm in each other's place.
  private func swaps(in node: Node) -> [Hypothesis] {
    guard case .norm = node.operation else { return [] }
    let all = node.parameters
    return all.indices.flatMap { first in
      all.indices.dropFirst(first + 1).map { second in
        Hypothesis(
          explanation: "\(word(all[first].role)) and \(word(all[second].role)) are swapped",
          change: .parameters([
            all[first].role: parameters[all[second]], all[second].role: parameters[all[first]],
          ]))
      }
    }
  }

  /// The values of a kernel or matrix in another order.
  private func rearrangements(of node: Node) -> [(Hypothesis, Rearrangement)] {
    guard let weight = node.parameters.first(where: { $0.role == .weight }) else { return [] }
    return Rearrangement.all(for: weight.shape).map {
      (
        Hypothesis(
          explanation: "\(word(.weight)) \($0.explanation)", change: .rearrangement($0)), $0
      )
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
        sizes, in: order, word: channelWords(of: node).inputs)
      return Hypothesis(
        explanation: "\(word(.weight)) \(rearrangement.explanation)",
        change: .rearrangement(rearrangement))
    }
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
        explanation: "the reference has no \(word(.bias)) here",
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
          explanation: "its \(word(own.role)) stands in \(name)",
          change: .parameters([own.role: parameters[other]]))
      }
      if pairs.count > 1 {
        let tensors = Dictionary(
          uniqueKeysWithValues: pairs.map { ($0.role, parameters[$1]) })
        result.append(
          Hypothesis(
            explanation: "its tensors stand in \(name)", change: .parameters(tensors)))
      }
      return result
    }
  }

  /// The conventions of other families.
  private func otherOptions(for node: Node) -> [Hypothesis] {
    let own = comparison.candidate.graph.configuration
    func hypothesis(
      _ explanation: String, _ change: (inout Configuration) -> Void
    ) -> Hypothesis? {
      var changed = own
      change(&changed)
      guard changed != own else { return nil }
      return Hypothesis(explanation: explanation, change: .configuration(changed))
    }
    switch node.operation {
    case .norm(.batch, _, _):
      // Those of a head have an ε of their own.
      let place = node.place == .head ? own.head.layerNames.firstIndex(of: node.name) : nil
      return [1e-5, 1.001e-5, 1e-3, 1e-6].compactMap { epsilon in
        hypothesis("ε should be \(epsilon)") {
          guard let place else {
            $0.norm = .batch(epsilon: epsilon)
            return
          }
          guard case .norm(_, let hasScale, let hasShift) = $0.head.layers[place] else { return }
          $0.head.layers[place] = .norm(
            .batch(epsilon: epsilon), hasScale: hasScale, hasShift: hasShift)
        }
      }
    case .globalAverage, .globalMaximum:
      let isAverage = node.operation == .globalAverage
      return [
        hypothesis("it should be the global \(isAverage ? "maximum" : "average")") {
          $0.head.pooling = isAverage ? .max : .average
        }
      ].compactMap { $0 }
    case .norm(.group(let count, let epsilon), let channels, _):
      return [1e-5, 1e-6, 1e-3].compactMap { other in
        hypothesis("ε should be \(other)") { $0.norm = .group(count: count, epsilon: other) }
      }
        + [8, 16, 32].filter { channels.isMultiple(of: $0) }.compactMap { other in
          hypothesis("there should be \(other) groups") {
            $0.norm = .group(count: other, epsilon: epsilon)
          }
        }
    case .maxPool:
      return [
        hypothesis("the border should be filled with zeros") { $0.stem.pool?.padding = .zero },
        hypothesis("the border should not count") {
          $0.stem.pool?.padding = .negativeInfinity
        },
        hypothesis("the border should be TensorFlow's SAME") { $0.stem.pool?.padding = .same },
        hypothesis("there should be no border") { $0.stem.pool?.padding = .valid },
      ].compactMap { $0 }
    case .convolution:
      return [
        hypothesis("weights should be standardised, ε 1e-10") {
          $0.weightStandardizationEpsilon = 1e-10
        },
        hypothesis("weights should be standardised, ε 1e-8") {
          $0.weightStandardizationEpsilon = 1e-8
        },
        hypothesis("weights should be standardised, ε 1e-6") {
          $0.weightStandardizationEpsilon = 1e-6
        },
        hypothesis("weights should not be standardised") {
          $0.weightStandardizationEpsilon = nil
        },
        isProjection(node)
          ? hypothesis(
            own.shortcut.kind == .averagePoolConvolution
              ? "it should have the stride, not an average pool before it"
              : "an average pool before it should have the stride"
          ) {
            $0.shortcut.kind =
              own.shortcut.kind == .averagePoolConvolution ? .convolution : .averagePoolConvolution
          } : nil,
        isProjection(node)
          ? hypothesis(
            "it should read \(own.shortcut.input == .raw ? "the block's first ReLU" : "the block's input")"
          ) {
            $0.shortcut.input = own.shortcut.input == .raw ? .preActivated : .raw
          } : nil,
      ].compactMap { $0 }
    default:
      return []
    }
  }

  private func isProjection(_ node: Node) -> Bool { node.nameInBlock == "shortcut.conv" }

  func displayName(of node: String) -> String {
    comparison.layerNames.name(of: node) ?? node
  }
}
