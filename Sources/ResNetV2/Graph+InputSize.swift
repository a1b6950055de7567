package import Tensors

extension Graph {
  /// The largest side of an image that is tried.
  private static let largestSide = 1 << 14

  /// The shape of one image that the network takes: a square of a side where any size fits, else the
  /// smallest that is flattened to as many pixels as the head reads.
  ///
  /// - Returns: `nil` where no image fits.
  package func usualInput(side: Int) -> Shape? {
    let channels = configuration.input.channels
    guard case .flatten(let height, let width, _) = configuration.head.pooling else {
      return [1, side, side, channels]
    }
    let usual: Shape = [1, side, side, channels]
    if (try? shapes(for: usual)) != nil { return usual }
    guard let fittingHeight = smallestSide(axis: 1, giving: height),
      let fittingWidth = smallestSide(axis: 2, giving: width)
    else { return nil }
    let input: Shape = [1, fittingHeight, fittingWidth, channels]
    return (try? shapes(for: input)) == nil ? nil : input
  }

  /// The smallest side of a square image whose feature map has at least so many pixels along an axis.
  private func smallestSide(axis: Int, giving extent: Int) -> Int? {
    var (low, high) = (1, Self.largestSide)
    guard featureShape(side: high)?[axis] ?? 0 >= extent else { return nil }
    while low < high {
      let middle = (low + high) / 2
      if featureShape(side: middle)?[axis] ?? 0 >= extent {
        high = middle
      } else {
        low = middle + 1
      }
    }
    return low
  }

  /// The shape of the feature map that the head reads, for a square image.
  private func featureShape(side: Int) -> Shape? {
    var shapes: [Shape] = []
    let input: Shape = [1, side, side, configuration.input.channels]
    for node in nodes {
      if case .flatten = node.operation { return shapes[node.inputs[0]] }
      let inputs = node.inputs.map { shapes[$0] }
      guard let shape = node.operation.outputShape(inputs, networkInput: input) else { return nil }
      shapes.append(shape)
    }
    return nil
  }
}
