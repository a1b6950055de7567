import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// The norm of a layer that is a norm with the ReLU after it, as frameworks that compute both at once
  /// give it.
  func rectifiedNorm(of layer: LayerCase) -> Node? {
    let nodes = comparison.candidate.graph.nodes
    guard layer.chain.count == 2, let first = layer.chain.first,
      nodes[layer.node].operation == .activation(.relu), nodes[layer.node].inputs == [first],
      case .norm(.batch, _, _) = nodes[first].operation
    else { return nil }
    return nodes[first]
  }

  /// What is wrong with one parameter of a norm, found by solving for it from the values that its ReLU let
  /// through.
  func solvedParameter(of layer: LayerCase, rectified norm: Node, limit: Double) throws
    -> Suspicion?
  {
    let graph = comparison.candidate.graph
    guard case .norm(.batch(let epsilon), _, _) = norm.operation,
      let input = try norm.inputs.first.flatMap({ try layer.input(graph.nodes[$0].name) }),
      input.values.count == layer.expected.values.count
    else { return nil }
    let solver = BatchNorm(norm, parameters, epsilon: epsilon)
    var found: [SolvedChange] = []
    for parameter in norm.parameters {
      let own = parameters[parameter].floats()
      guard
        let solved = solver.solvedBeforeReLU(
          parameter.role, input: input.values, output: layer.expected.values),
        solved.count == own.count
      else { continue }
      let values = zip(solved, own).map { $0 ?? $1 }
      let tensor = TensorData(shape: parameter.shape, values: values)
      guard
        let error = try self.error(
          of: layer, under: .parameters([parameter.role: tensor]), at: layer.chain[0]),
        layer.isExplained(error, limit: limit)
      else { continue }
      let change = change(from: own, to: values, where: solved.map { $0 != nil })
      found.append(solvedChange(change, of: parameter.role, error: error))
    }
    return likeliest(of: found).map {
      Suspicion(
        explanation: "\(displayName(of: norm.name)): \($0.explanation)",
        scaledError: $0.scaledError)
    }
  }

  /// The change of all channels, or of those that the ReLU let through where that is one thing done to all
  /// of them.
  private func change(from own: [Float], to solved: [Float], where isKnown: [Bool]) -> ValueChange {
    func change(_ channels: [Int]) -> ValueChange {
      let shape = Shape([channels.count])
      let (old, new) = (channels.map { own[$0] }, channels.map { solved[$0] })
      let (right, wrong) = isOfEngine ? (old, new) : (new, old)
      return ValueChange(
        from: TensorData(shape: shape, values: right), to: TensorData(shape: shape, values: wrong),
        tolerance: 1e-4)
    }
    let all = change(Array(own.indices))
    guard !all.isSimple else { return all }
    let known = change(own.indices.filter { isKnown[$0] })
    return known.isSimple ? known : all
  }
}
