package import Tensors

extension KerasNetwork {
  /// The most values that a layer may have; ResNet152V2 has 0.8 million for an image of 224×224.
  fileprivate static let maximumValues = 1 << 30

  /// The shape of every node's value for an input of [N, H, W, C].
  ///
  /// - Throws: `InputError` that names the first layer at which the values do not fit.
  package func shapes(for input: Shape) throws(InputError) -> [Shape] {
    var shapes: [Shape] = []
    for node in nodes {
      let inputs = node.inputs.isEmpty ? [input] : node.inputs.map { shapes[$0] }
      guard inputs.count == 1 || node.operation == .add,
        let shape = node.operation.shape(for: inputs)
      else {
        let given = inputs.map(\.description).joined(separator: " and ")
        throw InputError(
          .badData, path: path, "has a graph that cannot be run at \(node.name)",
          place: "a \(node.className) of \(given)")
      }
      guard shape.elementCount <= Self.maximumValues else {
        throw InputError(
          .badData, path: path, "has a graph with a layer that is too large, \(node.name)",
          place: "\(shape) values")
      }
      shapes.append(shape)
    }
    return shapes
  }
}

extension KerasOperation {
  /// The shape of the value, or `nil` where the inputs do not fit.
  fileprivate func shape(for inputs: [Shape]) -> Shape? {
    guard let first = inputs.first, first.elementCount > 0 else { return nil }
    let channels = first[first.rank - 1]
    let isImage = first.rank == 4
    switch self {
    case .input(_, _, let expected):
      return isImage && (expected ?? channels) == channels ? first : nil
    case .zeroPadding(let top, let bottom, let left, let right):
      guard isImage else { return nil }
      return Shape(
        validating: [first[0], first[1] + top + bottom, first[2] + left + right, channels])
    case .convolution(let conv):
      // With SAME padding the image is laid into a larger one.
      guard isImage,
        let padded = Shape(
          validating: [first[0], first[1] + conv.height, first[2] + conv.width, channels]),
        !conv.isSame || padded.elementCount <= KerasNetwork.maximumValues
      else { return nil }
      return first.sliding(
        conv.height, conv.width, stride: conv.stride, isSame: conv.isSame, channels: conv.outputs)
    case .batchNorm(let norm):
      let axis = norm.axis < 0 ? norm.axis + first.rank : norm.axis
      return axis == first.rank - 1 ? first : nil
    case .maxPool(let window), .averagePool(let window):
      guard isImage else { return nil }
      return first.sliding(
        window.size, window.size, stride: window.stride, isSame: window.isSame, channels: channels)
    case .globalAverage(let keepsImage), .globalMaximum(let keepsImage):
      guard isImage else { return nil }
      return keepsImage ? [first[0], 1, 1, channels] : [first[0], channels]
    case .add:
      return inputs.count > 1 && inputs.allSatisfy { $0 == first } ? first : nil
    case .dense(let outputs, _, _):
      return Shape(validating: first.dimensions.dropLast() + [outputs])
    case .flatten:
      return [first[0], first.elementCount / first[0]]
    case .rescaling(let scale, let offset):
      return [scale, offset].allSatisfy { [1, channels].contains($0.count) } ? first : nil
    case .activation, .identity:
      return first
    }
  }
}

extension Shape {
  /// The shape after a window has moved over an image of [N, H, W, C].
  fileprivate func sliding(
    _ height: Int, _ width: Int, stride: Int, isSame: Bool, channels: Int
  ) -> Shape? {
    func extent(_ size: Int, _ window: Int) -> Int? {
      if isSame { return (size - 1) / stride + 1 }
      return size < window ? nil : (size - window) / stride + 1
    }
    guard let rows = extent(self[1], height), let columns = extent(self[2], width) else {
      return nil
    }
    return Shape(validating: [self[0], rows, columns, channels])
  }
}
