import Comparison
import Inference
import Plain
import ResNetV2
import Tensors

extension Diagnosis {
  /// A network whose layers differ only by the order of their channels, which every reader knows: then
  /// nothing is wrong with what it computes.
  ///
  /// - Parameter input: one input on which layers differ and the output does not.
  func sameFunction(
    _ input: Activation, values: () throws -> TrueValues
  ) throws -> Suspicion? {
    let orders = try reference.map { ordersOfParameters(of: $0) } ?? ordersOfValues(input, values())
    guard let orders else { return nil }
    let graph = comparison.candidate.graph
    let moved = graph.nodes.indices.filter { index in
      guard !graph.nodes[index].parameters.isEmpty else { return false }
      if case .norm = graph.nodes[index].operation { return false }
      return orders[index].map { !$0.isIdentity } ?? false
    }
    guard !moved.isEmpty else { return nil }
    // A whole stage is named as such.
    var places: [String] = []
    for part in Dictionary(grouping: moved, by: { graph.nodes[$0].part }).sorted(by: {
      $0.value[0] < $1.value[0]
    }) {
      let isWhole = part.value.count > 1
      places.append(isWhole ? part.key : displayName(of: graph.nodes[part.value[0]].name))
    }
    return Suspicion(
      explanation: "the same function: the channels of \(listed(places, atMost: 4)) are in another "
        + "order, and so is what reads them", scaledError: nil)
  }

  /// The order of every node's channels, from the parameters of both networks; `nil` where that does not
  /// explain all differences.
  private func ordersOfParameters(of reference: Network) -> [Int: ChannelOrder]? {
    let graph = comparison.candidate.graph
    guard graph.nodes == reference.graph.nodes else { return nil }
    var orders: [Int: ChannelOrder?] = [0: nil]
    for (index, node) in graph.nodes.enumerated().dropFirst() {
      let inputs = node.inputs.map { orders[$0] ?? nil }
      guard let first = inputs.first else { return nil }
      let order: ChannelOrder?
      switch node.operation {
      case .convolution, .dense:
        guard let found = outputOrder(of: node, reading: first, reference) else { return nil }
        order = found
      case .norm(let norm, _, _):
        guard keepsGroups(first, norm), isReordered(node, by: first, reference) else { return nil }
        order = first
      case .add:
        guard inputs.allSatisfy({ $0 ?? nil == first }) else { return nil }
        order = first
      case .flatten, .adjust, .padChannels:
        // What stands where in these depends on the order.
        guard first == nil else { return nil }
        order = nil
      default:
        order = first
      }
      orders[index] = order.flatMap { $0.isIdentity ? nil : $0 }
    }
    guard orders[graph.outputIndex] ?? nil == nil else { return nil }
    return orders.compactMapValues { $0 }
  }

  /// The order of the output channels of weights whose input channels are in an order; `nil` where they
  /// are no others'.
  private func outputOrder(
    of node: Node, reading input: ChannelOrder?, _ reference: Network
  ) -> ChannelOrder? {
    guard let weight = node.parameters.first(where: { $0.role == .weight }),
      let sizes = Rearrangement.Sizes(weight.shape)
    else { return nil }
    let found =
      input.map { Rearrangement.inputs(sizes, in: $0).undone(on: parameters[weight]) }
      ?? parameters[weight]
    let right = reference.parameters[weight]
    let biases = node.parameters.first { $0.role == .bias }.map {
      (parameters[$0].floats(), reference.parameters[$0].floats())
    }
    let window = weight.shape.elementCount / sizes.outputs
    return found.withFloats { found in
      right.withFloats { right in
        let largest = right.map(\.magnitude).max() ?? 0
        let tolerance = 1e-6 * largest
        func sum(_ channel: Int, _ isRight: Bool) -> Double {
          let values = (isRight ? right : found)[channel * window..<(channel + 1) * window]
          return values.reduce(0) { $0 + Double($1) }
        }
        return ChannelOrder.matching(
          sizes.outputs, key: sum, tolerance: Double(tolerance) * Double(window)
        ) { place, channel in
          let isSameBias =
            biases.map {
              ($0.0[place] - $0.1[channel]).magnitude <= 1e-6 * max($0.1[channel].magnitude, 1e-3)
            }
            ?? true
          return isSameBias
            && (0..<window).allSatisfy {
              (found[place * window + $0] - right[channel * window + $0]).magnitude <= tolerance
            }
        }
      }
    }
  }

  private func isReordered(
    _ node: Node, by order: ChannelOrder?, _ reference: Network
  ) -> Bool {
    node.parameters.allSatisfy { parameter in
      let (found, right) = (
        parameters[parameter].floats(), reference.parameters[parameter].floats()
      )
      let tolerance = 1e-6 * (right.map(\.magnitude).max() ?? 0)
      return right.indices.allSatisfy {
        (found[order?.places[$0] ?? $0] - right[$0]).magnitude <= tolerance
      }
    }
  }

  /// Whether channels that are normalised together stay together.
  private func keepsGroups(_ order: ChannelOrder?, _ norm: Configuration.Norm) -> Bool {
    guard let order, case .group(let count, _) = norm, count > 0 else { return true }
    let size = max(order.places.count / count, 1)
    return order.places.enumerated().allSatisfy { channel, place in
      place / size == order.places[channel / size * size] / size
    }
  }

  /// The order of every compared node's channels, from their values; `nil` where that does not explain all
  /// differences.
  private func ordersOfValues(
    _ input: Activation, _ truth: TrueValues
  ) throws -> [Int: ChannelOrder]? {
    let graph = comparison.candidate.graph
    var orders: [Int: ChannelOrder]? = [:]
    _ = try comparison.candidate.run(input) { index, value in
      guard index > 0, orders != nil, let expected = try truth.expected(graph.nodes[index].name)
      else { return }
      guard expected.shape == value.shape else {
        orders = nil
        return
      }
      let limit = comparison.limits.limit(
        name: graph.nodes[index].name, familyName: nil, isolated: false)
      let pair = ChannelValues(value, expected, bias: nil, limit: limit)
      if !pair.agree {
        guard let order = pair.order() else {
          orders = nil
          return
        }
        orders?[index] = order
      }
    }
    return orders?[graph.outputIndex] == nil ? orders : nil
  }
}

extension Node {
  /// The stage or other part of the network that a node belongs to.
  fileprivate var part: String { String(name.prefix { $0 != "." }) }
}
