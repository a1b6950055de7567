import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Inference

@Suite("Activations")
struct ActivationTests {
  static let all: [ActivationFunction] = [
    .sigmoid, .tanh, .relu, .relu6, .leakyRelu(slope: 0.3), .elu(alpha: 0.7), .selu, .gelu,
    .geluTanh, .silu, .softplus, .hardSigmoid(slope: 1 / 6), .hardSigmoid(slope: 0.2), .hardSwish,
  ]

  @Test("Each is what it is defined as, near zero and far away", arguments: all)
  func areAsDefined(_ activation: ActivationFunction) {
    let near = (-2000...2000).map { Float($0) / 100 }
    let far: [Float] = [-700, -88, -40, -1e-3, -1e-7, 0, 1e-7, 1e-3, 40, 88]
    for x in near + far {
      let found = value(of: activation, x)
      let expected = activation.naive(Double(x))
      let error = abs(Double(found) - expected)
      #expect(error <= 1.2e-7 * abs(expected) + 1e-12, "\(activation.title) of \(x): \(found)")
    }
  }

  @Test("NaN stays NaN, and infinities are what the limits say", arguments: all)
  func keepsNaN(_ activation: ActivationFunction) {
    #expect(value(of: activation, .nan).isNaN)
    let limit = value(of: activation, .infinity)
    #expect(limit == .infinity || limit == 1 || limit == 6)
  }

  // Printed by torch 2.13; Keras 3.15.1 gives the same over it.
  @Test(
    "The values are the frameworks'",
    arguments: [
      (.sigmoid, [0.0474258736, 0.268941432, 0.622459352, 0.880797029]),
      (.tanh, [-0.995054781, -0.761594176, 0.462117165, 0.964027584]),
      (.leakyRelu(slope: 0.3), [-0.900000036, -0.300000012, 0.5, 2]),
      (.elu(alpha: 0.7), [-0.665149033, -0.442484379, 0.5, 2]),
      (.selu, [-1.6705687, -1.11133075, 0.525350511, 2.10140204]),
      (.gelu, [-0.00404986739, -0.158655286, 0.345731199, 1.95449996]),
      (.geluTanh, [-0.00363743305, -0.158807993, 0.345714003, 1.95459771]),
      (.silu, [-0.142277613, -0.268941432, 0.311229676, 1.76159406]),
      (.softplus, [0.048587352, 0.313261688, 0.974076986, 2.12692809]),
      (.hardSigmoid(slope: 1 / 6), [0, 0.333333343, 0.583333313, 0.833333313]),
      (.hardSwish, [0, -0.333333343, 0.291666657, 1.66666663]),
    ] as [(ActivationFunction, [Double])])
  func areTheFrameworks(_ activation: ActivationFunction, _ expected: [Double]) {
    for (x, expected) in zip([-3, -1, 0.5, 2] as [Float], expected) {
      #expect(abs(Double(value(of: activation, x)) - expected) <= 3e-7)
    }
  }

  @Test("A softmax of large numbers adds up to one")
  func softmax() {
    let input = Activation(shape: [2, 3], values: [1000, 1001, 1002, -5, -5, -5])
    let values = ReferenceArithmetic(pool: WorkerPool(threads: 1)).softmax(input).values
    #expect(abs(values[0..<3].reduce(0, +) - 1) <= 1e-6)
    #expect(values[3..<6].allSatisfy { abs($0 - 1 / 3) <= 1e-7 })
  }

  private func value(of activation: ActivationFunction, _ x: Float) -> Float {
    ReferenceArithmetic(pool: WorkerPool(threads: 1))
      .apply(activation, to: Activation(shape: [1, 1], values: [x])).values[0]
  }
}
