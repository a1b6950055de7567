/// Several vectors side by side: the output channels that one pixel of a tile accumulates.
///
/// A pair of lanes is lanes again, so that a tile is written once for every width; everything is
/// inlined, and the accumulators stay in registers.
protocol Lanes {
  /// The number of floats.
  static var width: Int { get }
  init()
  init(_ pointer: UnsafePointer<Float>)
  func store(to pointer: UnsafeMutablePointer<Float>)
  /// Adds value · weights.
  mutating func add(_ value: Vector, _ weights: Self)
}

/// One vector.
struct Single: Lanes {
  var vector: Vector

  @inline(__always)
  static var width: Int { lanes }

  @inline(__always)
  init() { vector = Vector(repeating: 0) }

  @inline(__always)
  init(_ pointer: UnsafePointer<Float>) { vector = load(pointer) }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
  }

  @inline(__always)
  mutating func add(_ value: Vector, _ weights: Single) {
    vector = multiplyAdd(vector, value, weights.vector)
  }
}

/// Two lanes side by side.
struct Pair<First: Lanes, Second: Lanes>: Lanes {
  var first: First
  var second: Second

  @inline(__always)
  static var width: Int { First.width + Second.width }

  @inline(__always)
  init() {
    first = First()
    second = Second()
  }

  @inline(__always)
  init(_ pointer: UnsafePointer<Float>) {
    first = First(pointer)
    second = Second(pointer + First.width)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    first.store(to: pointer)
    second.store(to: pointer + First.width)
  }

  @inline(__always)
  mutating func add(_ value: Vector, _ weights: Pair) {
    first.add(value, weights.first)
    second.add(value, weights.second)
  }
}

typealias Twofold = Pair<Single, Single>
typealias Threefold = Pair<Twofold, Single>
typealias Fourfold = Pair<Twofold, Twofold>
