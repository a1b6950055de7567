import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

extension Fault {
  /// A norm whose statistics are in another form, applied already, or never loaded.
  static var statistics: [Fault] {
    [
      change("variance stored as deviation", .variance, ["is the square root"]) {
        $0.map { $0.squareRoot() }
      },
      change("variance stored as its inverse", .variance, ["is the inverse of"]) {
        $0.map { 1 / $0 }
      },
      change("variance stored as inverse deviation", .variance, ["is the inverse square root"]) {
        $0.map { 1 / $0.squareRoot() }
      },
      Fault(
        description: "gamma already divided", words: ["already divided by the standard deviation"],
        applies: { _, node in node.has(.variance) }
      ) { sample, node in
        let variance = try sample.floats(node, .variance)
        return try sample.changingParameter(node, .scale) { _, values in
          zip(values, variance).map { $0 / ($1 + 1e-5).squareRoot() }
        }
      },
      defaults("norm at its defaults", [.scale, .shift, .mean, .variance], ["at their defaults"]),
      defaults("statistics at their defaults", [.mean, .variance], ["at their defaults"]),
      defaults("variance at its default", [.variance], ["1.0 everywhere", "at their defaults"]),
    ]
  }

  private static func defaults(
    _ description: String, _ roles: [Parameter.Role], _ words: [String]
  ) -> Fault {
    Fault(
      description: description, words: words, applies: { _, node in node.has(.variance) }
    ) { sample, node in
      var parameters = sample.parameters
      for parameter in node.parameters where roles.contains(parameter.role) {
        let value: Float = [.scale, .variance].contains(parameter.role) ? 1 : 0
        parameters = parameters.replacing(
          parameter,
          with: TensorData(
            shape: parameter.shape,
            values: Array(repeating: value, count: parameter.shape.elementCount)))
      }
      return (sample.graph, parameters)
    }
  }
}
