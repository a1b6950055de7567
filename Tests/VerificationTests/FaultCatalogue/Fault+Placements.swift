import Inference
import ResNetV2
import Tensors
import Testing

@testable import Comparison
@testable import Diagnosis

extension Fault {
  /// A kernel or matrix whose values are all there, but not where they belong.
  static var placements: [Fault] {
    [
      kernel("shifted by a tap, around", ["shifted by a tap, down"], { $0[2] > 1 }) {
        index, shape in [index[0], index[1], (index[2] + shape[2] - 1) % shape[2], index[3]]
      },
      tapLost,
      element("shifted by an element", ["shifted by an element"]) {
        Array($0.suffix(1) + $0.dropLast())
      },
      element("shifted by an element, one lost", ["shifted by an element", "only 1 of"]) {
        [0.1] + $0.dropLast()
      },
      Fault(
        description: "Fortran's order of OIHW", words: ["Fortran's order", "in the order"],
        applies: { _, node in node.isConvolution && node.parameters[0].shape[2] > 1 }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.shape.reordered(tensor.floats(), from: [3, 2, 1, 0], to: [0, 1, 2, 3])
        }
      },
      Fault(
        description: "Fortran's order of HWIO", words: ["Fortran's order", "in the order"],
        applies: { _, node in node.isConvolution && node.parameters[0].shape[2] > 1 }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.shape.reordered(tensor.floats(), from: [0, 1, 3, 2], to: [2, 3, 1, 0])
        }
      },
      Fault(
        description: "OIHW values taken as HWIO",
        words: ["OIHW where HWIO belongs", "in the order", "transposed"],
        applies: { _, node in node.isConvolution }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, _ in
          tensor.shape.reordered(tensor.floats(), from: [0, 1, 2, 3], to: [2, 3, 1, 0])
        }
      },
      Fault(
        description: "all kernels HWIO taken as OIHW", words: ["kernels look like HWIO where OIHW"],
        applies: { _, node in node.name == "input" },
        inject: { sample, _ in
          var parameters = sample.parameters
          for node in sample.graph.nodes where node.isConvolution {
            let weight = node.parameters[0]
            let values = parameters[weight].outputChannelsLast().floats()
            parameters = parameters.replacing(
              weight, with: TensorData(shape: weight.shape, values: values))
          }
          return (sample.graph, parameters)
        }, firstNode: { sample, _ in sample.graph.nodes.first(where: \.isConvolution)?.name ?? "" }
      ),
      Fault(
        description: "grey stem", words: ["grey"],
        applies: { _, node in node.isConvolution && node.inputs == [0] }
      ) { sample, node in
        try sample.changingParameter(node, .weight) { tensor, values in
          let (inputs, window) = (tensor.shape[1], tensor.shape[2] * tensor.shape[3])
          return values.indices.map { index in
            let first = index / (inputs * window) * inputs * window + index % window
            return (0..<inputs).map { values[first + $0 * window] }.reduce(0, +) / Float(inputs)
          }
        }
      },
      Fault(
        description: "kernel multiplied by its norm", words: ["already multiplied by"],
        applies: { sample, node in node.isConvolution && sample.norm(after: node) != nil }
      ) { sample, node in
        let norm = try #require(sample.norm(after: node))
        let (scale, variance) = try (sample.floats(norm, .scale), sample.floats(norm, .variance))
        return try sample.changingParameter(node, .weight) { tensor, values in
          let window = tensor.shape.elementCount / tensor.shape[0]
          return values.enumerated().map { index, value in
            value * scale[index / window] / (variance[index / window] + 1e-5).squareRoot()
          }
        }
      },
    ]
  }

  /// A kernel that was moved down, with zeros in the first row.
  private static var tapLost: Fault {
    Fault(
      description: "shifted by a tap, a row lost", words: ["shifted by a tap, down"],
      applies: { _, node in node.isConvolution && node.parameters[0].shape[2] > 1 }
    ) { sample, node in
      try sample.changingParameter(node, .weight) { tensor, values in
        let (height, width) = (tensor.shape[2], tensor.shape[3])
        return values.indices.map { index in
          index / width % height == 0 ? 0 : values[index - width]
        }
      }
    }
  }

  private static func element(
    _ description: String, _ words: [String],
    _ change: @escaping @Sendable ([Float]) -> [Float]
  ) -> Fault {
    Fault(description: description, words: words, applies: { _, node in node.isConvolution }) {
      sample, node in
      try sample.changingParameter(node, .weight) { _, values in change(values) }
    }
  }

  /// One tensor that was rounded.
  static var roundings: [Fault] {
    [
      change("kernel rounded to float16", .weight, ["rounded to float16"]) {
        ValueRounding.float16.rounded($0)
      },
      change("kernel rounded to bfloat16", .weight, ["rounded to bfloat16"]) {
        ValueRounding.bfloat16.rounded($0)
      },
      change("int8 with one scale", .weight, ["rounded to int8 with one scale"]) {
        ValueRounding.int8WithOneScale.rounded($0)
      },
    ]
  }
}

extension ValueRounding {
  fileprivate func rounded(_ values: [Float]) -> [Float] {
    rounded(TensorData(shape: [values.count], values: values))?.floats() ?? []
  }
}

extension Shape {
  /// The values of a tensor of this shape that stand in one order of the axes and are read in another.
  fileprivate func reordered(_ values: [Float], from written: [Int], to read: [Int]) -> [Float] {
    func places(_ order: [Int]) -> [[Int]: Int] {
      var result: [[Int]: Int] = [:]
      var place = 0
      func visit(_ depth: Int, _ index: [Int]) {
        guard depth < order.count else {
          result[index] = place
          place += 1
          return
        }
        var index = index
        for value in 0..<self[order[depth]] {
          index[order[depth]] = value
          visit(depth + 1, index)
        }
      }
      visit(0, Array(repeating: 0, count: rank))
      return result
    }
    let (standard, from, to) = (places(Array(0..<rank)), places(written), places(read))
    // What the file holds, then what is made of it.
    var file = values
    for (index, place) in from { file[place] = values[standard[index] ?? 0] }
    var result = values
    for (index, place) in standard { result[place] = file[to[index] ?? 0] }
    return result
  }
}

extension Sample {
  /// The norm that alone reads a node.
  func norm(after node: Node) -> Node? {
    guard let index = graph.index(of: node.name) else { return nil }
    return graph.nodes.first { $0.inputs == [index] && $0.has(.variance) }
  }

  func floats(_ node: Node, _ role: Parameter.Role) throws -> [Float] {
    parameters[try #require(node.parameters.first { $0.role == role })].floats()
  }
}
