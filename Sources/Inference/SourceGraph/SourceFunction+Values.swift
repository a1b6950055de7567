import SourceGraph
import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension SourceFunction {
  /// The function of one value, in Double; of a softmax, which needs all, the value itself.
  func value(_ value: Float) -> Float {
    Float(self.value(Double(value)))
  }

  private func value(_ x: Double) -> Double {
    switch self {
    case .linear, .softmax: x
    case .relu: x < 0 ? 0 : x
    case .relu6: x < 0 ? 0 : x > 6 ? 6 : x
    case .leakyRelu(let slope): x < 0 ? slope * x : x
    case .elu(let alpha): x < 0 ? alpha * expm1(x) : x
    case .selu:
      1.0507009873554805 * (x < 0 ? 1.6732632423543772 * expm1(x) : x)
    case .gelu: x / 2 * (1 + erf(x / 2.0.squareRoot()))
    case .geluTanh:
      x / 2 * (1 + Self.tanh(x * (1 + 0.044715 * x * x) * (2 / Double.pi).squareRoot()))
    case .silu: x * Self.sigmoid(x)
    case .softplus: x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
    case .hardSigmoid(let slope): clipped(slope * x + 0.5, to: 1)
    case .hardSwish: x * clipped(x + 3, to: 6) / 6
    case .sigmoid: Self.sigmoid(x)
    case .tanh: Self.tanh(x)
    }
  }

  /// The value between 0 and a limit; what is no number stays so.
  private func clipped(_ x: Double, to limit: Double) -> Double {
    x < 0 ? 0 : x > limit ? limit : x
  }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }

  // The case of the same name would stand in the way.
  private static func tanh(_ x: Double) -> Double { hyperbolicTangent(x) }
}

private func hyperbolicTangent(_ x: Double) -> Double { tanh(x) }

extension SourceOperation.Merge {
  /// Several values of one shape put together.
  func values(of inputs: [[Float]]) -> [Float] {
    var result = inputs[0]
    for other in inputs.dropFirst() {
      for index in result.indices { result[index] = merged(result[index], other[index]) }
    }
    if self == .average {
      let count = Float(inputs.count)
      for index in result.indices { result[index] /= count }
    }
    return result
  }

  private func merged(_ first: Float, _ other: Float) -> Float {
    switch self {
    case .add, .average: first + other
    case .subtract: first - other
    case .multiply: first * other
    case .maximum: first.isNaN || other.isNaN ? .nan : Swift.max(first, other)
    case .minimum: first.isNaN || other.isNaN ? .nan : Swift.min(first, other)
    }
  }
}

extension [Activation] {
  /// All values side by side along an axis.
  func joined(along axis: Int, to shape: Shape) -> Activation {
    let outer = shape.dimensions[..<axis].reduce(1, *)
    var result: [Float] = []
    result.reserveCapacity(shape.elementCount)
    for index in 0..<outer {
      for part in self {
        let length = part.values.count / Swift.max(outer, 1)
        result += part.values[(index * length)..<((index + 1) * length)]
      }
    }
    return Activation(shape: shape, values: result)
  }
}
