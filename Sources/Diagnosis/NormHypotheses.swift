import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// Statistics of a norm in another form, or applied already.
  func statistics(of node: Node) -> [Hypothesis] {
    guard case .norm(.batch(let epsilon), _, _) = node.operation else { return [] }
    let tensors = Dictionary(
      uniqueKeysWithValues: node.parameters.map { ($0.role, parameters[$0]) })
    guard let scale = tensors[.scale], let variance = tensors[.variance] else { return [] }
    let (gamma, found) = (scale.floats().map(Double.init), variance.floats().map(Double.init))
    func hypothesis(
      _ role: Parameter.Role, _ text: String, engine: String? = nil, _ values: [Double]
    ) -> Hypothesis? {
      let values = values.map { Float($0) }
      guard values.allSatisfy(\.isFinite), role != .variance || values.allSatisfy({ $0 >= 0 })
      else { return nil }
      return Hypothesis(
        explanation: Explanation(
          "\(word(role)) \(text)", engine: engine ?? "has a \(word(role)) that \(text)"),
        change: .parameters([role: TensorData(shape: scale.shape, values: values)]))
    }
    return
      (PowerMistake.allCases.flatMap { mistake in
        // A deviation may have been taken of the variance alone, or with ε.
        [0, epsilon].map { added in
          hypothesis(
            .variance, mistake.explanation,
            found.map {
              isOfEngine ? mistake.made(of: $0 + added) : mistake.undone(on: $0) - added
            })
        }
      } + [
        hypothesis(
          .scale, "is already divided by the standard deviation",
          zip(gamma, found).map {
            isOfEngine ? $0 / ($1 + epsilon).squareRoot() : $0 * ($1 + epsilon).squareRoot()
          }),
        hypothesis(
          .scale, "is multiplied by the standard deviation, not divided by it",
          zip(gamma, found).map {
            isOfEngine ? $0 * ($1 + epsilon).squareRoot() : $0 / ($1 + epsilon).squareRoot()
          }),
        hypothesis(
          .variance,
          "is without the ε that is added here: the norm is already folded into "
            + "\(word(.scale)) and \(word(.shift))", engine: "adds no ε",
          found.map { $0 - epsilon }),
      ]).compactMap { $0 }
  }
}

/// A positive number in the place of another one that is a power of it.
enum PowerMistake: CaseIterable {
  case squareRoot
  case inverse
  case inverseSquareRoot
  case square

  /// What is wrong, following the tensor's word.
  var explanation: String {
    switch self {
    case .squareRoot: "is the square root of what it should be: a deviation for a variance"
    case .inverse: "is the inverse of what it should be"
    case .inverseSquareRoot: "is the inverse square root of what it should be"
    case .square: "is the square of what it should be"
    }
  }

  /// What the mistake makes of the right value.
  func made(of value: Double) -> Double {
    switch self {
    case .squareRoot: value.squareRoot()
    case .inverse: 1 / value
    case .inverseSquareRoot: 1 / value.squareRoot()
    case .square: value * value
    }
  }

  /// What was there before the mistake.
  func undone(on value: Double) -> Double {
    switch self {
    case .squareRoot: value * value
    case .inverse: 1 / value
    case .inverseSquareRoot: 1 / (value * value)
    case .square: value.squareRoot()
    }
  }
}
