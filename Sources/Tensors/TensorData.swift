package import Files

/// The elements of one tensor: owned, or a range of a mapped file; little-endian, row-major.
///
/// A copy is cheap: the bytes are shared.
///
/// ```swift
/// let kernel = try model.tensor(named: "stem.conv.weight")  // a convolution's: OIHW
/// let sum = kernel.withFloats { $0.reduce(0, +) }
/// ```
public struct TensorData: Sendable {
  /// The type of the elements.
  public let dtype: DType

  /// The dimensions, outermost first.
  public let shape: Shape

  /// For every index of the outermost dimension what its integers are multiplied by to give the
  /// values; `nil` where the elements are the values.
  ///
  /// Only int8 tensors have scales: one per output channel of a kernel or a matrix.
  public let channelScales: [Float]?

  private let storage: Storage

  private enum Storage: Sendable {
    case bytes([UInt8])
    case floats([Float])
    case block(AlignedFloats)
    case mapped(MappedFile, offset: Int)
    case deferred(@Sendable () -> TensorData)
  }

  /// The number of bytes of all elements.
  public var byteCount: Int { shape.elementCount * dtype.byteWidth }

  /// Makes a tensor of bytes: little-endian elements in row-major order.
  ///
  /// - Throws: ``ValueCountError`` where the dimensions are no shape, or need more or fewer bytes.
  public init(_ bytes: [UInt8], dtype: DType, shape: [Int]) throws(ValueCountError) {
    guard let checked = Shape(validating: shape),
      case let size = checked.elementCount.multipliedReportingOverflow(by: dtype.byteWidth),
      !size.overflow, size.partialValue == bytes.count
    else { throw ValueCountError(dimensions: shape, count: bytes.count) }
    self.init(dtype: dtype, shape: checked, bytes: bytes)
  }

  /// Makes a float32 tensor of values in row-major order.
  ///
  /// - Throws: ``ValueCountError`` where the dimensions are no shape, or need more or fewer values.
  public init(_ values: [Float], shape: [Int]) throws(ValueCountError) {
    guard let checked = Shape(validating: shape), checked.elementCount == values.count else {
      throw ValueCountError(dimensions: shape, count: values.count)
    }
    self.init(shape: checked, values: values)
  }

  /// Makes a tensor of bytes in memory.
  ///
  /// - Precondition: `bytes` has exactly the size that the shape and the type need.
  package init(dtype: DType, shape: Shape, bytes: [UInt8]) {
    precondition(bytes.count == shape.elementCount * dtype.byteWidth)
    self.dtype = dtype
    self.shape = shape
    channelScales = nil
    storage = .bytes(bytes)
  }

  /// Makes a float32 tensor of values in memory.
  ///
  /// - Precondition: there are exactly as many values as the shape has elements.
  package init(shape: Shape, values: [Float]) {
    precondition(values.count == shape.elementCount)
    dtype = .float32
    self.shape = shape
    channelScales = nil
    storage = .floats(values)
  }

  /// Makes a float32 tensor of a block that a closure fills.
  package init(shape: Shape, filling body: (UnsafeMutableBufferPointer<Float>) -> Void) {
    let block = AlignedFloats(count: shape.elementCount)
    body(UnsafeMutableBufferPointer(start: block.pointer, count: shape.elementCount))
    dtype = .float32
    self.shape = shape
    channelScales = nil
    storage = .block(block)
  }

  /// Makes a tensor of a block of bytes that a closure fills.
  package init(
    dtype: DType, shape: Shape, filling body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) rethrows {
    let byteCount = shape.elementCount * dtype.byteWidth
    let block = AlignedFloats(count: (byteCount + 3) / 4)
    try body(UnsafeMutableRawBufferPointer(start: block.pointer, count: byteCount))
    self.dtype = dtype
    self.shape = shape
    channelScales = nil
    storage = .block(block)
  }

  /// Makes a tensor that is a range of a mapped file; nothing is copied.
  ///
  /// Returns `nil` where the range does not lie within the file.
  package init?(dtype: DType, shape: Shape, file: MappedFile, offset: Int) {
    let (size, tooLarge) = shape.elementCount.multipliedReportingOverflow(by: dtype.byteWidth)
    guard !tooLarge, offset >= 0, size <= file.count, offset <= file.count - size else {
      return nil
    }
    self.dtype = dtype
    self.shape = shape
    channelScales = nil
    storage = .mapped(file, offset: offset)
  }

  /// Makes a tensor that is made again whenever it is used, and let go afterwards.
  ///
  /// - Parameter make: gives the same tensor of that type and shape every time, and cannot fail.
  package init(dtype: DType, shape: Shape, deferring make: @escaping @Sendable () -> TensorData) {
    self.dtype = dtype
    self.shape = shape
    channelScales = nil
    storage = .deferred(make)
  }

  /// The tensor itself, in memory or in a file: for those who use it more than once.
  package var made: TensorData {
    guard case .deferred(let make) = storage else { return self }
    let tensor = make()
    precondition(tensor.dtype == dtype, "a deferred tensor has the type that it was announced with")
    return TensorData(tensor, shape: shape, channelScales: channelScales)
  }

  /// Whether the tensor is made again whenever it is used.
  package var isDeferred: Bool {
    if case .deferred = storage { return true }
    return false
  }

  /// Whether the bytes are those of a mapped file, so that having the tensor takes no memory.
  package var isMapped: Bool {
    if case .mapped(let file, _) = storage { return !file.isCopied }
    return false
  }

  /// The values of a float32 tensor that holds them as an array.
  var valuesInMemory: [Float]? {
    if case .floats(let values) = storage { return values }
    return nil
  }

  /// The same integers in units of a scale per index of the outermost dimension.
  ///
  /// - Precondition: the tensor is int8 and has as many indices there as there are scales.
  package func scaled(byChannel scales: [Float]) -> TensorData {
    TensorData(self, shape: shape, channelScales: scales)
  }

  /// Gives the bytes to a closure, which must not let them escape.
  ///
  /// Mapped bytes have the alignment of their place in the file, which may be none.
  public func withUnsafeBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    switch storage {
    case .bytes(let bytes): return try bytes.withUnsafeBytes(body)
    case .floats(let values): return try values.withUnsafeBytes(body)
    case .block(let block):
      return try withExtendedLifetime(block) {
        try body(UnsafeRawBufferPointer(start: block.pointer, count: byteCount))
      }
    case .mapped(let file, let offset):
      return try file.withUnsafeBytes { all in
        try body(UnsafeRawBufferPointer(rebasing: all[offset..<offset + byteCount]))
      }
    case .deferred:
      let tensor = made
      defer { tensor.releasePages() }
      return try tensor.withUnsafeBytes(body)
    }
  }

  /// The same elements under other dimensions.
  ///
  /// - Precondition: the number of elements stays the same, and that of the outermost dimension where
  ///   there are scales.
  package func reshaped(to shape: Shape) -> TensorData {
    TensorData(self, shape: shape, channelScales: channelScales)
  }

  private init(_ data: TensorData, shape: Shape, channelScales: [Float]?) {
    precondition(shape.elementCount == data.shape.elementCount)
    precondition(
      channelScales.map { data.dtype == .int8 && shape.rank > 0 && $0.count == shape[0] } ?? true)
    dtype = data.dtype
    self.shape = shape
    self.channelScales = channelScales
    storage = data.storage
  }

  /// Whether these are the very bytes of another tensor, and no copy.
  package func isInPlace(of other: TensorData) -> Bool {
    withUnsafeBytes { own in other.withUnsafeBytes { own.baseAddress == $0.baseAddress } }
  }

  /// Lets go of the memory that backs mapped bytes until they are next read; a copy of a file stays.
  package func releasePages() {
    if case .mapped(let file, _) = storage, !file.isCopied { discardPages() }
  }

  /// The same for some elements.
  package func releasePages(ofElements range: Range<Int>) {
    guard case .mapped(let file, let offset) = storage, !file.isCopied else { return }
    file.release(
      offset + range.lowerBound * dtype.byteWidth..<offset + range.upperBound * dtype.byteWidth)
  }

  /// The same for a copy too, where its bytes have been used: what is read of it again is the file's.
  package func discardPages() {
    if case .mapped(let file, let offset) = storage {
      file.release(offset..<offset + byteCount)
    }
  }
}
