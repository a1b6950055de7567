import Comparison
import Inference
import Plain
import ResNetV2
import Tensors

extension Diagnosis {
  /// A parameter with values that are NaN or infinite, in the layer itself or in those before it
  /// that could not be compared: that is seen without a reference.
  func notFiniteParameter(of layer: LayerCase) -> Suspicion? {
    spoiltParameter(of: layer, "NaN or infinite") { _, value in !value.isFinite }
  }

  /// A variance below zero, likewise.
  func negativeVariance(of layer: LayerCase) -> Suspicion? {
    spoiltParameter(of: layer, "negative") { role, value in role == .variance && value < 0 }
  }

  private func spoiltParameter(
    of layer: LayerCase, _ what: String, _ isSpoilt: (Parameter.Role, Float) -> Bool
  ) -> Suspicion? {
    let graph = comparison.candidate.graph
    for index in layer.chain {
      let node = graph.nodes[index]
      for parameter in node.parameters {
        let values = parameters[parameter].floats()
        guard let first = values.firstIndex(where: { isSpoilt(parameter.role, $0) }) else {
          continue
        }
        let count = values.count { isSpoilt(parameter.role, $0) }
        let other = index == layer.node ? "" : "\(displayName(of: node.name)): "
        return Suspicion(
          explanation: "\(other)\(word(parameter.role)) has \(counted(count, "value")) that "
            + "\(count == 1 ? "is" : "are") \(what), \(parameter.shape.place(of: first, among: count))",
          scaledError: nil)
      }
    }
    return nil
  }

  /// A tensor that another layer, or another tensor of this one, has too: one of them was overwritten.
  func repeatedTensor(of layer: LayerCase) -> Suspicion? {
    let graph = comparison.candidate.graph
    for parameter in layer.chain.flatMap({ graph.nodes[$0].parameters }) {
      let tensor = parameters[parameter]
      let values = tensor.floats()
      guard values.count > 1, values.contains(where: { $0 != values[0] }) else { continue }
      let other = graph.parameters.first {
        $0.name != parameter.name && $0.shape == parameter.shape
          && parameters[$0].hasSameBits(as: tensor)
      }
      guard let other else { continue }
      let owner =
        parameter.node == graph.nodes[layer.node].name
        ? "" : "\(displayName(of: parameter.node)): "
      if other.node == parameter.node {
        return Suspicion(
          explanation:
            "\(owner)\(word(parameter.role)) and \(word(other.role)) have the same values",
          scaledError: nil)
      }
      let place =
        displayName(of: other.node)
        + (other.role == parameter.role ? "" : ", \(word(other.role))")
      return Suspicion(
        explanation: "\(owner)\(word(parameter.role)) is that of \(place), which has the same",
        scaledError: nil)
    }
    return nil
  }

  /// A norm that was never loaded: where too few pixels prove it, that is still seen.
  func defaultNorm(of layer: LayerCase) -> Suspicion? {
    defaults(of: comparison.candidate.graph.nodes[layer.node]).map {
      Suspicion(explanation: $0, scaledError: nil)
    }
  }

  /// A kernel that knows no colours: where the right one cannot be computed, that is still seen.
  func greyWeight(of layer: LayerCase) -> Suspicion? {
    let node = comparison.candidate.graph.nodes[layer.node]
    guard let weight = node.parameters.first(where: { $0.role == .weight }),
      parameters[weight].floats().isGrey(weight.shape)
    else { return nil }
    return Suspicion(
      explanation: "\(word(.weight)) is the same for all input channels (grey)", scaledError: nil)
  }

  /// A kernel or matrix that alone of all has values of a narrower type, where the layer's error is what
  /// rounding to that type would cost.
  func roundedWeight(of layer: LayerCase) throws -> Suspicion? {
    let graph = comparison.candidate.graph
    let node = graph.nodes[layer.node]
    guard layer.chain.count == 1,
      let weight = node.parameters.first(where: { $0.role == .weight }),
      let window = Window(node.operation),
      let input = try node.inputs.first.flatMap({ try layer.input(graph.nodes[$0].name) })
    else { return nil }
    let values = parameters[weight].floats()
    let others = graph.parameters.filter { $0.role == .weight && $0.name != weight.name }
    let rounding = [ValueRounding.bfloat16, .float16, .int8WithOneScale].first { rounding in
      rounding.holds(values) && !others.allSatisfy { rounding.holds(parameters[$0].floats()) }
    }
    guard let rounding else { return nil }
    let largest = values.map(\.magnitude).max() ?? 0
    let outputs = weight.shape[0]
    let pixels = layer.expected.values.count / outputs
    var row = [Double](repeating: 0, count: window.count)
    var (cost, error) = (0.0, 0.0)
    for pixel in stride(from: 0, to: pixels, by: max(pixels / 32, 1)) {
      window.fill(&row, from: input, pixel: pixel, output: layer.expected.shape)
      for output in stride(from: 0, to: outputs, by: max(outputs / 32, 1)) {
        let place = pixel * outputs + output
        let difference = Double(layer.found.values[place]) - Double(layer.expected.values[place])
        error += difference * difference
        for (tap, value) in row.enumerated() where value != 0 {
          let weight = values[output * window.count + tap]
          cost += value * value * rounding.noise(at: weight, largest: largest)
        }
      }
    }
    guard cost > 0, (0.1...10).contains(error / cost) else { return nil }
    return Suspicion(
      explanation: "\(word(.weight)) is \(rounding.explanation), others are not, and the error is "
        + "what that costs", scaledError: nil)
  }
}
