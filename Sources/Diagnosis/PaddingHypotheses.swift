import Comparison
import Inference
import ResNetV2
import Tensors

extension Diagnosis {
  /// Other ways to fill the border of a convolution: TensorFlow's SAME, one-sided, shifted, or no zeros.
  func paddings(of index: Int, _ layer: LayerCase) throws -> [Hypothesis] {
    let node = comparison.candidate.graph.nodes[index]
    guard index == layer.node, case .convolution(let conv) = node.operation, conv.kernel > 1,
      let name = node.inputs.first.map({ comparison.candidate.graph.nodes[$0].name }),
      let weight = node.parameters.first(where: { $0.role == .weight }),
      let input = try layer.input(name), input.shape.rank == 4
    else { return [] }
    let (height, width) = (input.shape[1], input.shape[2])
    let (rows, columns) = (layer.expected.shape[1], layer.expected.shape[2])
    func border(_ size: Int, _ outputs: Int, before: Int) -> Border {
      let total = (outputs - 1) * conv.stride + conv.span
      return Border(before: before, after: total - size - before)
    }
    let own = conv.border(input: input.shape, output: layer.expected.shape)
    func same(_ size: Int, _ outputs: Int) -> Int {
      max((outputs - 1) * conv.stride + conv.span - size, 0) / 2
    }
    let run = PaddedConvolution(
      conv, tensor: parameters[weight],
      bias: node.parameters.first { $0.role == .bias }.map { parameters[$0].floats() },
      input: input, shape: layer.expected.shape)
    var result: [Hypothesis] = []
    let ownWords = words(
      border(height, rows, before: own.top), border(width, columns, before: own.left))
    func add(
      _ text: String, engine: String, top: Int, left: Int, _ fill: BorderFill = .zeros
    ) {
      let vertical = border(height, rows, before: top)
      let horizontal = border(width, columns, before: left)
      let place = fill == .zeros ? ": \(words(vertical, horizontal))" : ""
      let difference =
        fill == .zeros ? "; this network pads \(ownWords)" : "; this network pads with zeros"
      result.append(
        Hypothesis(
          explanation: Explanation(text + place, engine: engine + place + difference),
          change: .value { run.value(vertical, horizontal, fill) }))
    }
    let tensorFlow = (same(height, rows), same(width, columns))
    if tensorFlow != (own.top, own.left) {
      add(
        "the padding should be TensorFlow's SAME", engine: "pads as TensorFlow's SAME",
        top: tensorFlow.0, left: tensorFlow.1)
    }
    for fill in [BorderFill.edge, .reflected, .around] where own.top > 0 || own.left > 0 {
      add(
        "the border should \(fill.title)", engine: fill.phrase, top: own.top, left: own.left, fill)
    }
    // Taps that are apart are shifted as a whole.
    let places = stride(from: 0, to: conv.span, by: conv.dilation)
    for top in places {
      for left in places where (top, left) != tensorFlow {
        guard (top, left) != (own.top, own.left) else { continue }
        let isOneSided = [0, conv.span - 1].contains(top) && [0, conv.span - 1].contains(left)
        let word = isOneSided ? "one-sided" : "shifted"
        add(
          "the padding should be \(word)", engine: "has its padding \(word)", top: top, left: left)
      }
    }
    return result
  }

  private func words(_ vertical: Border, _ horizontal: Border) -> String {
    guard vertical != horizontal else {
      return "\(vertical.before) above and left, \(vertical.after) below and right"
    }
    return "\(vertical.before) above, \(vertical.after) below, \(horizontal.before) left, "
      + "\(horizontal.after) right"
  }
}

/// So many rows or columns before and after an image; fewer than none are left out of it.
private struct Border: Hashable {
  let before: Int
  let after: Int
}

/// What stands in the border of an image.
private enum BorderFill {
  case zeros
  case edge
  case reflected
  case around

  var title: String {
    switch self {
    case .zeros: "be zeros"
    case .edge: "repeat the edge, not be zeros"
    case .reflected: "be reflected, not zeros"
    case .around: "wrap around, not be zeros"
    }
  }

  /// What an engine with this border does.
  var phrase: String {
    switch self {
    case .zeros: "pads with zeros"
    case .edge: "repeats the edge at its border"
    case .reflected: "reflects the image at its border"
    case .around: "wraps around at its border"
    }
  }

  /// The row or column of the image that stands at a place; `nil` for zeros.
  func source(_ place: Int, _ size: Int) -> Int? {
    if 0..<size ~= place { return place }
    switch self {
    case .zeros: return nil
    case .edge: return min(max(place, 0), size - 1)
    case .reflected:
      let mirrored = place < 0 ? -place : 2 * (size - 1) - place
      return 0..<size ~= mirrored ? mirrored : nil
    case .around: return ((place % size) + size) % size
    }
  }
}

/// A convolution of an image that is padded by hand.
private struct PaddedConvolution {
  private let stride: Int
  private let dilation: Int
  private let weights: TensorData
  private let bias: [Float]?
  private let input: Activation
  private let shape: Shape

  init(
    _ conv: Operation.Convolution, tensor: TensorData, bias: [Float]?, input: Activation,
    shape: Shape
  ) {
    (stride, dilation) = (conv.stride, conv.dilation)
    weights =
      (conv.weightStandardizationEpsilon.map { tensor.standardized(epsilon: $0) } ?? tensor)
      .outputChannelsLast()
    self.bias = bias
    self.input = input
    self.shape = shape
  }

  func value(_ vertical: Border, _ horizontal: Border, _ fill: BorderFill) -> Activation? {
    let (height, width, channels) = (input.shape[1], input.shape[2], input.shape[3])
    let rows = vertical.before + height + vertical.after
    let columns = horizontal.before + width + horizontal.after
    guard rows > 0, columns > 0,
      let padded = Shape(validating: [input.shape[0], rows, columns, channels])
    else { return nil }
    var values = [Float](repeating: 0, count: padded.elementCount)
    for image in 0..<input.shape[0] {
      for row in 0..<rows {
        guard let y = fill.source(row - vertical.before, height) else { continue }
        for column in 0..<columns {
          guard let x = fill.source(column - horizontal.before, width) else { continue }
          let from = ((image * height + y) * width + x) * channels
          let to = ((image * rows + row) * columns + column) * channels
          for channel in 0..<channels { values[to + channel] = input.values[from + channel] }
        }
      }
    }
    return ReferenceArithmetic(pool: WorkerPool(threads: 1)).convolve(
      Activation(shape: padded, values: values), weights: weights, bias: bias, stride: stride,
      dilation: dilation, to: shape)
  }
}
