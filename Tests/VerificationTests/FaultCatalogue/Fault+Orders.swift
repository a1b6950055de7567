import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison
@testable import Diagnosis

extension Fault {
  /// Channels, classes and features in another order.
  static var orders: [Fault] {
    [
      classes("classes exchanged", ["1 and 2 are exchanged"]) { .exchanged($0, 1, 2) },
      classes("classes reversed", ["reversed", "0 and 2 are exchanged"]) { .reversed($0) },
      classes("classes rotated", ["rotated by 1", "2, 0, 1"]) { .rotated($0, by: 1) },
      classes("classes of the matrix alone exchanged", ["1 and 2 are exchanged"], hasBias: false) {
        .exchanged($0, 1, 2)
      },
      classes("classes of the matrix alone reversed", ["reversed", "0 and 2"], hasBias: false) {
        .reversed($0)
      },
      features("features reversed", ["features in another order", "is transposed"]) {
        .reversed($0)
      },
      features("features exchanged", ["0 and 1 are exchanged", "0 and 2 are exchanged"]) {
        .exchanged($0, 0, 1)
      },
      features("features rotated", ["features in another order"]) { .rotated($0, by: 1) },
      Fault(
        description: "a norm's channels reversed", words: ["channels are in another order"],
        applies: { _, node in node.has(.variance) }
      ) { sample, node in
        try sample.reordering(node, { .reversed($0) }, hasBias: true)
      },
    ]
  }

  private static func classes(
    _ description: String, _ words: [String], hasBias: Bool = true,
    _ order: @escaping @Sendable (Int) -> ChannelOrder
  ) -> Fault {
    Fault(description: description, words: words, applies: { _, node in node.isMatrix }) {
      sample, node in try sample.reordering(node, order, hasBias: hasBias)
    }
  }

  private static func features(
    _ description: String, _ words: [String], _ order: @escaping @Sendable (Int) -> ChannelOrder
  ) -> Fault {
    Fault(description: description, words: words, applies: { _, node in node.isMatrix }) {
      sample, node in
      try sample.changingParameter(node, .weight) { tensor, values in
        let inputs = tensor.shape[1]
        let places = order(inputs).places
        var result = values
        for output in 0..<tensor.shape[0] {
          for (right, place) in places.enumerated() {
            result[output * inputs + place] = values[output * inputs + right]
          }
        }
        return result
      }
    }
  }
}

extension Node {
  var isMatrix: Bool {
    if case .dense = operation { true } else { false }
  }
}

extension Sample {
  /// The output channels of a layer in another order: of all its tensors, or not of its bias.
  func reordering(
    _ node: Node, _ order: (Int) -> ChannelOrder, hasBias: Bool
  ) throws -> (Graph, Parameters) {
    var parameters = parameters
    for parameter in node.parameters where hasBias || parameter.role != .bias {
      let values = parameters[parameter].floats()
      let size = values.count / parameter.shape[0]
      var result = values
      for (right, place) in order(parameter.shape[0]).places.enumerated() {
        result.replaceSubrange(
          place * size..<(place + 1) * size, with: values[right * size..<(right + 1) * size])
      }
      parameters = parameters.replacing(
        parameter, with: TensorData(shape: parameter.shape, values: result))
    }
    return (graph, parameters)
  }
}
