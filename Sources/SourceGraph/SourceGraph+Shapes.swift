package import Files
package import Tensors

extension SourceGraph {
  /// The most values that a layer may have; ResNet152V2 has 0.8 million for an image of 224×224.
  static let maximumValues = 1 << 30

  /// The shape of every node's value for an input of [N, H, W, C]; `nil` for one that no output depends on and
  /// that has none.
  ///
  /// - Throws: `InputError` that names the first layer at which the values do not fit.
  package func shapes(for input: Shape) throws(InputError) -> [Shape?] {
    try requireUnderstood()
    let live = liveNodes
    var shapes: [Shape?] = []
    for (index, node) in nodes.enumerated() {
      let inputs = node.inputs.isEmpty ? [input] : node.inputs.compactMap { shapes[$0] }
      let fits = inputs.count == max(node.inputs.count, 1)
      let shape = fits ? node.operation.shape(for: inputs) : nil
      guard live.contains(index) else {
        shapes.append(shape.flatMap { $0.elementCount <= Self.maximumValues ? $0 : nil })
        continue
      }
      guard let shape else {
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

  /// The shape of an image that the model takes, [1, H, W, C]: the one that the file fixes where that is of a
  /// usual size, else one of 224×224.
  package var usualInput: Shape {
    let size = inputSize
    func usual(_ extent: Int?, _ standard: Int) -> Int {
      extent.flatMap { (1...4096).contains($0) ? $0 : nil } ?? standard
    }
    return [1, usual(size.height, 224), usual(size.width, 224), usual(size.channels, 3)]
  }

  /// The height and width of the image, where the file fixes both.
  package var fixedSize: (height: Int, width: Int)? {
    guard let height = inputSize.height, let width = inputSize.width,
      (1...4096).contains(height), (1...4096).contains(width)
    else { return nil }
    return (height, width)
  }

  /// The shape of the image that the file fixes; sizes that it leaves open are `nil`.
  package var inputSize: (height: Int?, width: Int?, channels: Int?) {
    guard let first = inputs.first,
      case .input(let height, let width, let channels) = nodes[first].operation
    else { return (nil, nil, nil) }
    return (height, width, channels)
  }
}

extension SourceOperation {
  /// The shape of the value, or `nil` where the inputs do not fit.
  func shape(for inputs: [Shape]) -> Shape? {
    guard let first = inputs.first, first.rank > 1, first.elementCount > 0 else { return nil }
    let channels = first[first.rank - 1]
    let isImage = first.rank == 4
    switch self {
    case .merge:
      return inputs.count > 1 && inputs.allSatisfy { $0 == first } ? first : nil
    case .concatenate(let axis):
      return first.joined(with: inputs.dropFirst(), along: axis < 0 ? axis + first.rank : axis)
    case _ where inputs.count > 1:
      return nil
    case .input(_, _, let expected):
      return isImage && (expected ?? channels) == channels ? first : nil
    case .padding(let border):
      guard isImage else { return nil }
      return Shape(
        validating: [
          first[0], first[1] + border.top + border.bottom, first[2] + border.left + border.right,
          channels,
        ])
    case .padChannels(let before, let after):
      guard isImage else { return nil }
      return Shape(validating: first.dimensions.dropLast() + [channels + before + after])
    case .convolution(let conv):
      // With SAME padding the image is laid into a larger one.
      guard isImage,
        let padded = Shape(
          validating: [first[0], first[1] + conv.spanHeight, first[2] + conv.spanWidth, channels]),
        !conv.isSame || padded.elementCount <= SourceGraph.maximumValues
      else { return nil }
      return first.sliding(
        conv.spanHeight, conv.spanWidth, stride: conv.stride, isSame: conv.isSame,
        channels: conv.outputs)
    case .batchNorm(let norm):
      return norm.isOverChannels(of: first) ? first : nil
    case .groupNorm(let norm, let groups):
      return isImage && norm.isOverChannels(of: first) && channels.isMultiple(of: groups)
        ? first : nil
    case .maxPool(let window), .averagePool(let window):
      guard isImage else { return nil }
      return first.sliding(
        window.size, window.size, stride: window.stride, isSame: window.isSame, channels: channels)
    case .globalAverage(let keepsImage), .globalMaximum(let keepsImage):
      guard isImage else { return nil }
      return keepsImage ? [first[0], 1, 1, channels] : [first[0], channels]
    case .dense(let outputs, _):
      return Shape(validating: first.dimensions.dropLast() + [outputs])
    case .flatten:
      return [first[0], first.elementCount / first[0]]
    case .reshape(let sizes):
      return first.reshaped(to: sizes)
    case .affine(let scale, let offset):
      return [scale, offset].allSatisfy { [1, channels].contains($0.count) } ? first : nil
    case .activation, .identity, .standardize, .reverseChannels:
      return first
    case .channel, .stackChannels, .channelsFirst, .other:
      return nil
    }
  }
}

extension SourceOperation.Norm {
  /// Whether it is over the last axis.
  fileprivate func isOverChannels(of shape: Shape) -> Bool {
    (axis < 0 ? axis + shape.rank : axis) == shape.rank - 1
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

  /// The shape of several values side by side; `nil` where they differ in another axis.
  fileprivate func joined(with others: some Sequence<Shape>, along axis: Int) -> Shape? {
    guard (1..<rank).contains(axis) else { return nil }
    var sizes = dimensions
    for other in others {
      guard other.rank == rank,
        (0..<rank).allSatisfy({ $0 == axis || other[$0] == self[$0] })
      else { return nil }
      let (sum, overflow) = sizes[axis].addingReportingOverflow(other[axis])
      guard !overflow else { return nil }
      sizes[axis] = sum
    }
    return Shape(validating: sizes)
  }

  /// The shape with other sizes after the first; `nil` where they hold another number of values.
  fileprivate func reshaped(to sizes: [Int]) -> Shape? {
    let perImage = elementCount / self[0]
    let known = sizes.filter { $0 != -1 }
    var product = 1
    for size in known {
      let (result, overflow) = product.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else { return nil }
      product = result
    }
    let open = sizes.count - known.count
    guard open <= 1, open == 1 ? perImage.isMultiple(of: product) : perImage == product else {
      return nil
    }
    return Shape(validating: [self[0]] + sizes.map { $0 == -1 ? perImage / product : $0 })
  }
}
