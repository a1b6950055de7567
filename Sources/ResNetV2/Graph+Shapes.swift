public import Tensors

extension Graph {
  /// The shape of every node's value for an input of [N, H, W, C].
  ///
  /// - Throws: ``InputShapeError`` where the input has other channels than the network reads or is so
  ///   small that nothing is left of it on the way.
  public func shapes(for input: Shape) throws(InputShapeError) -> [Shape] {
    var shapes: [Shape] = []
    for node in nodes {
      let inputs = node.inputs.map { shapes[$0] }
      guard let shape = node.operation.outputShape(inputs, networkInput: input) else {
        throw InputShapeError(input, at: node.name, of: configuration)
      }
      shapes.append(shape)
    }
    return shapes
  }
}

extension Operation {
  /// The longest side of an image; far more than any memory holds, and sums of it do not overflow.
  static let longestSide = 1 << 31

  /// The shape of the value, or `nil` where the inputs do not fit.
  package func outputShape(_ inputs: [Shape], networkInput: Shape) -> Shape? {
    guard takes(inputs) else { return nil }
    switch self {
    case .input(let channels):
      guard networkInput.rank == 4, networkInput[3] == channels, networkInput.elementCount > 0,
        networkInput[1] <= Self.longestSide, networkInput[2] <= Self.longestSide
      else { return nil }
      return networkInput
    case .convolution(let conv):
      switch conv.padding {
      case .each(let padding):
        return inputs[0].sliding(
          window: conv.span, stride: conv.stride, padding: padding, channels: conv.outputChannels)
      case .same:
        return inputs[0].sliding(
          window: 1, stride: conv.stride, padding: 0, channels: conv.outputChannels)
      }
    case .maxPool(let pool), .averagePool(let pool):
      let channels = inputs[0][3]
      switch pool.padding {
      case .zero(let padding), .ignored(let padding):
        return inputs[0].sliding(
          window: pool.size, stride: pool.stride, padding: padding, channels: channels)
      case .same:
        return inputs[0].sliding(window: 1, stride: pool.stride, padding: 0, channels: channels)
      }
    case .subsample(let stride):
      return inputs[0].sliding(window: 1, stride: stride, padding: 0, channels: inputs[0][3])
    case .padChannels(let before, let after):
      return inputs[0].sliding(
        window: 1, stride: 1, padding: 0, channels: inputs[0][3] + before + after)
    case .adjust, .norm, .activation:
      return inputs[0]
    case .add:
      return inputs[0] == inputs[1] ? inputs[0] : nil
    case .globalAverage, .globalMaximum:
      return Shape(validating: [inputs[0][0], inputs[0][3]])
    case .flatten(let height, let width, _):
      guard inputs[0][1] == height, inputs[0][2] == width else { return nil }
      return Shape(validating: [inputs[0][0], inputs[0].elementCount / inputs[0][0]])
    case .dense(_, let outputChannels, _):
      return Shape(validating: inputs[0].dimensions.dropLast() + [outputChannels])
    }
  }
}

extension Shape {
  /// The shape after a window has moved over an image of [N, H, W, C].
  fileprivate func sliding(window: Int, stride: Int, padding: Int, channels: Int) -> Shape? {
    func extent(_ size: Int) -> Int { (size + 2 * padding - window) / stride + 1 }
    guard self[1] + 2 * padding >= window, self[2] + 2 * padding >= window else { return nil }
    return Shape(validating: [self[0], extent(self[1]), extent(self[2]), channels])
  }
}
