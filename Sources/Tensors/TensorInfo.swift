/// What a container says of one tensor before any of its data is read.
public struct TensorInfo: Hashable, Sendable {
  /// The tensor's name as the container gives it.
  public let name: String

  /// The type of the elements as the data is handed out.
  public let dtype: DType

  /// The dimensions, outermost first.
  public let shape: Shape

  /// Makes a description of a tensor.
  public init(name: String, dtype: DType, shape: Shape) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
  }

  /// The number of bytes of the tensor's data, or `nil` where that number overflows.
  public var byteCount: Int? {
    let (count, overflow) = shape.elementCount.multipliedReportingOverflow(by: dtype.byteWidth)
    return overflow ? nil : count
  }
}
