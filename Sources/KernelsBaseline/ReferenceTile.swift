import CKernelSupport

// The innermost loop of the reference's convolutions and all that it is made of stand in one file: a compiler that sees
// only one file at a time, as in debug builds, can then still inline all of it.

#if AVX512
  extension Kernels {
    /// The pixels that the reference computes side by side: with four vectors of channels, 24 accumulators of 32 registers.
    @inline(__always)
    package static var referenceRows: Int { 6 }
  }
  private typealias Rows<Width: Sums> = Stack<Stack<Two<Width>, Two<Width>>, Two<Width>>
  private typealias Widest = Pair<Pair<Eight, Eight>, Pair<Eight, Eight>>
#elseif AVX2
  extension Kernels {
    /// The pixels that the reference computes side by side: with eight channels, 12 accumulators of 16 registers.
    @inline(__always)
    package static var referenceRows: Int { 6 }
  }
  private typealias Rows<Width: Sums> = Stack<Stack<Two<Width>, Two<Width>>, Two<Width>>
  private typealias Widest = Eight
#else
  extension Kernels {
    /// The pixels that the reference computes side by side: with eight channels, 8 accumulators of 16 registers.
    @inline(__always)
    package static var referenceRows: Int { 2 }
  }
  private typealias Rows<Width: Sums> = Two<Width>
  private typealias Widest = Eight
#endif

private typealias Two<Width: Sums> = Stack<Row<Width>, Row<Width>>

/// Adds input · weights under all taps of a tile.
///
/// - Parameter addresses: of the input: [tap][``Kernels/referenceRows``].
func accumulate(_ tile: RNWReferenceTile, _ addresses: UnsafePointer<UnsafePointer<Float>>) {
  var channel = 0
  while channel + Widest.width <= tile.step {
    accumulate(Rows<Widest>.self, tile, addresses, channel)
    channel += Widest.width
  }
  while channel < tile.step {
    accumulate(Rows<Eight>.self, tile, addresses, channel)
    channel += Eight.width
  }
}

@inline(never)
private func accumulate<Pixels: PixelRows>(
  _: Pixels.Type, _ tile: RNWReferenceTile,
  _ addresses: UnsafePointer<UnsafePointer<Float>>, _ channel: Int
) {
  guard let sums = tile.sums, let weights = tile.weights else { return }
  var rows = Pixels(addresses, sums + channel, step: tile.step)
  for tap in 0..<tile.taps {
    rows.move(to: addresses + tap * Kernels.referenceRows)
    var place = weights + tap * tile.tapStep + channel
    for input in 0..<tile.inputs {
      rows.add(input, Pixels.Width(place))
      place += tile.step
    }
  }
  rows.store(to: sums + channel, step: tile.step)
}

/// Pixels side by side, each with its place in the input and its sums.
private protocol PixelRows {
  associatedtype Width: Sums
  static var count: Int { get }
  init(
    _ addresses: UnsafePointer<UnsafePointer<Float>>, _ sums: UnsafePointer<Double>, step: Int)
  /// Goes to another tap.
  mutating func move(to addresses: UnsafePointer<UnsafePointer<Float>>)
  /// Adds input · weights for one input channel.
  mutating func add(_ input: Int, _ weights: Width)
  func store(to sums: UnsafeMutablePointer<Double>, step: Int)
}

/// One pixel.
private struct Row<Width: Sums>: PixelRows {
  private var sums: Width
  private var pixel: UnsafePointer<Float>

  @inline(__always)
  static var count: Int { 1 }

  @inline(__always)
  init(
    _ addresses: UnsafePointer<UnsafePointer<Float>>, _ sums: UnsafePointer<Double>, step: Int
  ) {
    self.sums = Width(sums)
    pixel = addresses[0]
  }

  @inline(__always)
  mutating func move(to addresses: UnsafePointer<UnsafePointer<Float>>) { pixel = addresses[0] }

  @inline(__always)
  mutating func add(_ input: Int, _ weights: Width) {
    sums.add(SIMD8(repeating: Double(pixel[input])), weights)
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Double>, step: Int) { self.sums.store(to: sums) }
}

/// Rows, and more rows after them.
private struct Stack<First: PixelRows, Second: PixelRows>: PixelRows
where First.Width == Second.Width {
  typealias Width = First.Width

  private var first: First
  private var second: Second

  @inline(__always)
  static var count: Int { First.count + Second.count }

  @inline(__always)
  init(
    _ addresses: UnsafePointer<UnsafePointer<Float>>, _ sums: UnsafePointer<Double>, step: Int
  ) {
    first = First(addresses, sums, step: step)
    second = Second(addresses + First.count, sums + First.count * step, step: step)
  }

  @inline(__always)
  mutating func move(to addresses: UnsafePointer<UnsafePointer<Float>>) {
    first.move(to: addresses)
    second.move(to: addresses + First.count)
  }

  @inline(__always)
  mutating func add(_ input: Int, _ weights: Width) {
    first.add(input, weights)
    second.add(input, weights)
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Double>, step: Int) {
    first.store(to: sums, step: step)
    second.store(to: sums + First.count * step, step: step)
  }
}

/// Sums in Double of neighbouring channels.
private protocol Sums {
  static var width: Int { get }
  init(_ sums: UnsafePointer<Double>)
  init(_ weights: UnsafePointer<Float>)
  /// Adds value · weights.
  mutating func add(_ value: SIMD8<Double>, _ weights: Self)
  func store(to sums: UnsafeMutablePointer<Double>)
}

private struct Eight: Sums {
  private var values: SIMD8<Double>

  @inline(__always)
  static var width: Int { 8 }

  @inline(__always)
  init(_ sums: UnsafePointer<Double>) {
    values = UnsafeRawPointer(sums).loadUnaligned(as: SIMD8<Double>.self)
  }

  @inline(__always)
  init(_ weights: UnsafePointer<Float>) {
    // Written out, it is one instruction; a conversion of the whole vector is a call.
    values = SIMD8(
      Double(weights[0]), Double(weights[1]), Double(weights[2]), Double(weights[3]),
      Double(weights[4]), Double(weights[5]), Double(weights[6]), Double(weights[7]))
  }

  @inline(__always)
  mutating func add(_ value: SIMD8<Double>, _ weights: Eight) {
    #if BASELINE
      values += value * weights.values
    #else
      values = values.addingProduct(value, weights.values)
    #endif
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(sums).storeBytes(of: values, as: SIMD8<Double>.self)
  }
}

/// Sums, and more beside them.
private struct Pair<First: Sums, Second: Sums>: Sums {
  private var first: First
  private var second: Second

  @inline(__always)
  static var width: Int { First.width + Second.width }

  @inline(__always)
  init(_ sums: UnsafePointer<Double>) {
    first = First(sums)
    second = Second(sums + First.width)
  }

  @inline(__always)
  init(_ weights: UnsafePointer<Float>) {
    first = First(weights)
    second = Second(weights + First.width)
  }

  @inline(__always)
  mutating func add(_ value: SIMD8<Double>, _ weights: Pair) {
    first.add(value, weights.first)
    second.add(value, weights.second)
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Double>) {
    first.store(to: sums)
    second.store(to: sums + First.width)
  }
}
