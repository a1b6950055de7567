import Tensors

extension ActivationFunction {
  /// Computes the function of some values, in Double and rounded once; both executors do it so.
  ///
  /// - Parameters:
  ///   - count: the number of values, a multiple of `row`.
  ///   - row: the number of channels, over which a softmax goes.
  func apply(
    _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int, row: Int
  ) {
    switch self {
    case .softmax:
      for start in stride(from: 0, to: count, by: max(row, 1)) {
        softmaxRow(input + start, output + start, row)
      }
    case .sigmoid: map(input, output, count, Elementary.sigmoid)
    case .tanh: map(input, output, count, Elementary.tanh)
    case .relu: map(input, output, count) { clamped($0, 0, .infinity) }
    case .relu6: map(input, output, count) { clamped($0, 0, 6) }
    case .leakyRelu(let slope): map(input, output, count) { $0 > 0 ? $0 : $0 * slope }
    case .elu(let alpha):
      map(input, output, count) { $0 > 0 ? $0 : alpha * Elementary.expMinusOne($0) }
    case .selu:
      map(input, output, count) {
        1.0507009873554805
          * ($0 > 0 ? $0 : 1.6732632423543772 * Elementary.expMinusOne($0))
      }
    case .gelu: map(input, output, count) { $0 * Elementary.normalDistribution($0) }
    case .geluTanh:
      map(input, output, count) {
        let inner = 0.7978845608028654 * ($0 + 0.044715 * $0 * $0 * $0)
        return 0.5 * $0 * (1 + Elementary.tanh(inner))
      }
    case .silu: map(input, output, count) { $0 * Elementary.sigmoid($0) }
    case .softplus:
      map(input, output, count) {
        clamped($0, 0, .infinity) + Elementary.logOnePlus(Elementary.exp(-$0.magnitude))
      }
    case .hardSigmoid(let slope): map(input, output, count) { clamped($0 * slope + 0.5, 0, 1) }
    case .hardSwish: map(input, output, count) { $0 * clamped($0 + 3, 0, 6) / 6 }
    }
  }
}

@inline(__always)
private func map(
  _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int,
  _ function: (Double) -> Double
) {
  for index in 0..<count { output[index] = Float(function(Double(input[index]))) }
}

/// The value within bounds; NaN stays.
@inline(__always)
private func clamped(_ value: Double, _ lower: Double, _ upper: Double) -> Double {
  value < lower ? lower : value > upper ? upper : value
}

/// exp(x) / Σ exp(x); the largest is taken off first, so that nothing overflows.
private func softmaxRow(
  _ input: UnsafePointer<Float>, _ output: UnsafeMutablePointer<Float>, _ count: Int
) {
  let row = UnsafeBufferPointer(start: input, count: count)
  let largest = Double(row.max() ?? 0)
  let exponentials = row.map { Elementary.exp(Double($0) - largest) }
  let sum = exponentials.reduce(0, +)
  for (index, value) in exponentials.enumerated() { output[index] = Float(value / sum) }
}
