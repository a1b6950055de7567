public import Tensors

/// The value of one node: an image batch [N, H, W, C] or features [N, C], row-major float32.
///
/// ```swift
/// let image = try Activation([Float](repeating: 0.5, count: 224 * 224 * 3), shape: [1, 224, 224, 3])
/// ```
public struct Activation: Sendable {
  /// The dimensions.
  public let shape: Shape

  /// The values, channels innermost.
  public let values: [Float]

  /// Makes an activation of values in row-major order, channels innermost.
  ///
  /// - Parameters:
  ///   - values: as many as the shape has elements.
  ///   - shape: the dimensions, such as [N, H, W, C].
  /// - Throws: `ValueCountError` where the dimensions are no shape, or there are more or fewer values.
  public init(_ values: [Float], shape: [Int]) throws(ValueCountError) {
    guard let checked = Shape(validating: shape), checked.elementCount == values.count else {
      throw ValueCountError(dimensions: shape, count: values.count)
    }
    (self.shape, self.values) = (checked, values)
  }

  /// Makes an activation.
  ///
  /// - Precondition: there are exactly as many values as the shape has elements.
  package init(shape: Shape, values: [Float]) {
    precondition(values.count == shape.elementCount)
    self.shape = shape
    self.values = values
  }
}

extension Activation {
  /// The largest values of each image, largest first: of a classifier the best classes.
  ///
  /// - Parameter count: how many are wanted at most.
  /// - Returns: for each image pairs of an index and a value; of equal values the lower index comes first, NaN last. A
  ///   feature map is taken value by value.
  public func largest(_ count: Int) -> [[(index: Int, value: Float)]] {
    guard let images = shape.dimensions.first, images > 0, !values.isEmpty else { return [] }
    func key(_ pair: (offset: Int, element: Float)) -> (Float, Int) {
      (pair.element.isNaN ? -.infinity : pair.element, -pair.offset)
    }
    let perImage = values.count / images
    return stride(from: 0, to: values.count, by: perImage).map { start in
      values[start..<start + perImage].enumerated().sorted { key($0) > key($1) }
        .prefix(max(count, 0)).map { (index: $0.offset, value: $0.element) }
    }
  }
}
