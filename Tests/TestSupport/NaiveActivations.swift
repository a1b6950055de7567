package import Tensors

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension ActivationFunction {
  /// The function as it is defined, by the machine's own mathematical library.
  package func naive(_ values: [Double], row: Int) -> [Double] {
    guard self == .softmax else { return values.map(naive) }
    return stride(from: 0, to: values.count, by: row).flatMap { start in
      let largest = values[start..<start + row].max() ?? 0
      let powers = values[start..<start + row].map { exp($0 - largest) }
      return powers.map { $0 / powers.reduce(0, +) }
    }
  }

  package func naive(_ x: Double) -> Double {
    switch self {
    case .softmax: 1
    case .sigmoid: 1 / (1 + exp(-x))
    case .tanh: naiveTanh(x)
    case .relu: max(x, 0)
    case .relu6: min(max(x, 0), 6)
    case .leakyRelu(let slope): x > 0 ? x : slope * x
    case .elu(let alpha): x > 0 ? x : alpha * expm1(x)
    case .selu: 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))
    case .gelu: x * erfc(-x / 2.0.squareRoot()) / 2
    case .geluTanh:
      0.5 * x * (1 + naiveTanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case .silu: x / (1 + exp(-x))
    case .softplus: x > 30 ? x : log1p(exp(x))
    case .hardSigmoid(let slope): min(max(slope * x + 0.5, 0), 1)
    case .hardSwish: x * min(max(x + 3, 0), 6) / 6
    }
  }
}

private func naiveTanh(_ x: Double) -> Double {
  1 - 2 / (exp(2 * x) + 1)
}
