import Families
import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison

extension Fault {
  /// Two tensors of a norm in each other's place.
  static var swaps: [Fault] {
    let roles: [Parameter.Role] = [.scale, .shift, .mean, .variance]
    return roles.indices.flatMap { first in
      roles.indices.dropFirst(first + 1).map { second in
        Fault(
          description: "\(roles[first]) and \(roles[second]) swapped",
          words: ["\(roles[first]) and \(roles[second]) are swapped"],
          applies: { _, node in node.has(roles[second]) }
        ) { sample, node in
          try sample.exchangingParameters((node, roles[first]), (node, roles[second]))
        }
      }
    }
  }

  /// All values of a tensor changed alike, or a few of them spoilt.
  static var changes: [Fault] {
    let factor = { @Sendable (values: [Float]) in values.map { $0 * 1.01 } }
    let offset = { @Sendable (values: [Float]) in values.map { $0 + 1e-3 } }
    return [
      change("scale × 1.01", .scale, ["scale is 1.010 ×"], factor),
      change("shift × 1.01", .shift, ["shift is 1.010 ×"], factor),
      change("mean × 1.01", .mean, ["mean is 1.010 ×"], factor),
      change("variance × 1.01", .variance, ["variance is 1.010 ×"], factor),
      change("scale + 0.001", .scale, ["scale is off by 1.00e-03"], offset),
      change("shift + 0.001", .shift, ["shift is off by 1.00e-03"], offset),
      change("mean + 0.001", .mean, ["mean is off by 1.00e-03"], offset),
      change("variance + 0.001", .variance, ["variance is off by 1.00e-03"], offset),
      change("bias + 0.001", .bias, ["bias is off by 1.00e-03"], offset),
      change("kernel × 1.01", .weight, ["weight is 1.010 ×"], factor),
      change("bias dropped", .bias, ["bias is missing"]) { $0.map { _ in 0 } },
      change("one NaN", .weight, ["NaN", "only 1 of"]) { [.nan] + $0.dropFirst() },
      change("float16 overflow", .weight, ["infinite", "only 1 of"]) {
        [.infinity] + $0.dropFirst()
      },
      change("negative variance", .variance, ["variance"]) { [-1] + $0.dropFirst() },
      change("one value negated", .weight, ["weight differs in 1 of", "only 1 of"]) {
        var values = $0
        let largest = values.map(\.magnitude).max()
        if let index = values.firstIndex(where: { $0.magnitude == largest }) {
          values[index].negate()
        }
        return values
      },
      change("scale reversed", .scale, ["scale has its channels in another order"]) {
        $0.reversed()
      },
    ]
  }

  static func change(
    _ description: String, _ role: Parameter.Role, _ words: [String],
    _ change: @escaping @Sendable ([Float]) -> [Float]
  ) -> Fault {
    Fault(
      description: description, words: words, applies: { _, node in node.has(role) }
    ) { sample, node in
      try sample.changingParameter(node, role) { _, values in change(values) }
    }
  }

  /// A kernel with its values in the wrong order.
  static var kernels: [Fault] {
    [
      kernel("transposed channels", ["input and output channels transposed"], { $0[0] == $0[1] }) {
        [$0[1], $0[0], $0[2], $0[3]]
      },
      kernel("transposed space", ["height and width transposed"], { $0[2] > 1 }) {
        [$0[0], $0[1], $0[3], $0[2]]
      },
      kernel("upside down", ["flipped top to bottom"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], shape[2] - 1 - index[2], index[3]]
      },
      kernel("left to right", ["flipped left to right"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], index[2], shape[3] - 1 - index[3]]
      },
      kernel("turned by 180°", ["turned by 180°"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], shape[2] - 1 - index[2], shape[3] - 1 - index[3]]
      },
      kernel("turned by 90°", ["turned by 90° clockwise"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], shape[3] - 1 - index[3], index[2]]
      },
      kernel("turned by 270°", ["turned by 90° counterclockwise"], { $0[2] > 1 }) { index, shape in
        [index[0], index[1], index[3], shape[3] - 1 - index[2]]
      },
      kernel(
        "output channels rotated",
        ["output channels in another", "output channels are in another"], { $0[0] > 1 }
      ) {
        index, shape in [(index[0] + 1) % shape[0], index[1], index[2], index[3]]
      },
      kernel(
        "input channels rotated", ["input channels in another order"],
        { $0[1] > 1 }
      ) {
        index, shape in [index[0], (index[1] + 1) % shape[1], index[2], index[3]]
      },
      Fault(
        description: "HWIO values taken as OIHW",
        words: [
          "in the order height", "in the order input", "input and output channels transposed",
        ],
        applies: { _, node in node.isConvolution }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.outputChannelsLast().floats()
        }
      },
      Fault(
        description: "matrix not transposed",
        words: ["in the order input, output", "is transposed"],
        applies: { _, node in node.has(.weight) && !node.isConvolution }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.outputChannelsLast().floats()
        }
      },
    ]
  }

  static func kernel(
    _ description: String, _ words: [String], _ fits: @escaping @Sendable ([Int]) -> Bool,
    _ index: @escaping @Sendable ([Int], [Int]) -> [Int]
  ) -> Fault {
    Fault(
      description: description, words: words,
      applies: { _, node in node.isConvolution && fits(node.parameters[0].shape.dimensions) }
    ) { sample, node in
      let parameter = node.parameters[0]
      return try sample.changingParameter(node, .weight) { _, _ in
        sample.reordered(parameter) { index($0, parameter.shape.dimensions) }
      }
    }
  }

  private static func kernel(
    _ description: String, _ words: [String], _ fits: @escaping @Sendable ([Int]) -> Bool,
    _ index: @escaping @Sendable ([Int]) -> [Int]
  ) -> Fault {
    kernel(description, words, fits) { position, _ in index(position) }
  }

  /// Tensors of two layers confused.
  static var exchanges: [Fault] {
    let partner = { @Sendable (sample: Sample, node: Node) in
      sample.graph.nodes.first {
        $0.name != node.name && !node.parameters.isEmpty
          && $0.parameters.map(\.shape) == node.parameters.map(\.shape)
      }
    }
    let first = { @Sendable (sample: Sample, node: Node) in
      let names = [node.name, partner(sample, node)?.name]
      return sample.graph.nodes.first { names.contains($0.name) }?.name ?? ""
    }
    return [
      Fault(
        description: "two layers exchanged",
        words: [" is that of ", " stand in ", " stands in "],
        applies: { partner($0, $1) != nil },
        inject: { sample, node in
          let other = try #require(partner(sample, node))
          var parameters = sample.parameters
          for (own, their) in zip(node.parameters, other.parameters) {
            parameters = parameters.replacing(own, with: sample.parameters[their])
              .replacing(their, with: sample.parameters[own])
          }
          return (sample.graph, parameters)
        }, firstNode: first),
      Fault(
        description: "a tensor of another layer",
        words: [" is that of ", " stand in ", " stands in "],
        applies: { partner($0, $1) != nil }
      ) { sample, node in
        let other = try #require(partner(sample, node))
        let parameters = sample.parameters.replacing(
          node.parameters[0], with: sample.parameters[other.parameters[0]])
        return (sample.graph, parameters)
      },
    ]
  }
}
