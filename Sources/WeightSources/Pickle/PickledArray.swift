import Tensors

/// An array of NumPy's while its pickle is read: made first, filled afterwards.
///
/// A pickle refers to what it made before, filled or not: hence an object.
final class PickledArray {
  /// What it holds; `nil` before it is filled, and of an array of something other than numbers.
  private(set) var content: Content?

  /// What an array holds.
  struct Content {
    let type: PickledType
    /// The dimensions; of a transposed array those before.
    let sizes: [Int]
    let order: Order
    let bytes: PickledBytes
  }

  /// In which order the elements stand.
  enum Order {
    /// The last index runs fastest.
    case rows
    /// The first index runs fastest.
    case columns
    /// The last index ran fastest before the axes were put in this order.
    case transposed([Int])
  }

  init(_ content: Content? = nil) {
    self.content = content
  }

  /// Takes the state of an array: version, shape, type, order and bytes; `false` where it is none.
  func fill(_ state: PickleValue) -> Bool {
    guard content == nil, case .tuple(let container) = state, container.items.count == 5,
      container.items[0].integer == 1, let sizes = container.items[1].integers,
      case .bool(let isFortranOrder) = container.items[3]
    else { return false }
    switch (container.items[2], container.items[4]) {
    case (.type(let type), .bytes(let bytes)):
      content = Content(
        type: type, sizes: sizes, order: isFortranOrder ? .columns : .rows, bytes: bytes)
      return true
    // Objects and the like: no weights.
    case (.foreign, _): return true
    default: return false
    }
  }
}

/// The type of an array's elements, whose byte order follows after it was made.
final class PickledType {
  let dtype: DType
  /// Whether the byte with the highest value comes first; `nil` as long as nothing says so.
  private(set) var isBigEndian: Bool?

  init(_ dtype: DType) {
    self.dtype = dtype
  }

  /// Takes the state of a type: a version, the byte order, and what only types of several fields have; `false` where it
  /// is none.
  func fill(_ state: PickleValue) -> Bool {
    guard isBigEndian == nil, let items = state.container?.items, items.count >= 2,
      items[0].integer.map({ (1...4).contains($0) }) == true
    else { return false }
    switch items[1].text {
    case "<": isBigEndian = false
    case ">": isBigEndian = dtype.byteWidth > 1
    case "|" where dtype.byteWidth == 1: isBigEndian = false
    default: return false
    }
    return true
  }
}
