import CKernelSupport

// The innermost loop and all that it is made of stand in one file: a compiler that sees only one file at a time, as in
// debug builds, can then still inline all of it.

#if AVX512
  extension Kernels {
    /// The most pixels of a tile: with four vectors of channels, 28 accumulators of 32 registers.
    @inline(__always)
    package static var tileRows: Int { 7 }
  }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 4 }
#elseif AVX2
  extension Kernels {
    /// The most pixels of a tile: with two vectors of channels, 12 accumulators of 16 registers.
    @inline(__always)
    package static var tileRows: Int { 6 }
  }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 2 }
#else
  extension Kernels {
    /// The most pixels of a tile: with two vectors of channels, 8 accumulators of 16 registers.
    @inline(__always)
    package static var tileRows: Int { 4 }
  }
  /// The vectors of a panel.
  @inline(__always)
  var panelVectors: Int { 2 }
#endif

/// The address of the input of each pixel of a tile, under one tap.
private typealias Addresses = UnsafePointer<UnsafePointer<Float>>

extension Kernels {
  /// The output channels of a full panel of weights.
  @inline(__always)
  package static var panelWidth: Int { panelVectors * lanes }
}

/// Accumulates one tile: for every pixel, the sum over taps and input channels of input · weights.
///
/// The sum of an output is always formed in the same order, however many pixels the tile has.
///
/// - Parameter pixels: the address of the input under each tap for each pixel: [tap][``tileRows``].
func multiply(_ tile: RNWTile, _ pixels: UnsafePointer<UnsafePointer<Float>>) {
  switch tile.vectors {
  case 1: multiply(Single.self, tile, pixels)
  #if AVX512
    case 4: multiply(Fourfold.self, tile, pixels)
    case 3: multiply(Threefold.self, tile, pixels)
  #endif
  default: multiply(Twofold.self, tile, pixels)
  }
}

extension RNWTile {
  /// Says which weights a tile asks for while it multiplies: its share of those that come next.
  ///
  /// A panel is larger than the first-level cache, and all panels together than the second: the first tile to
  /// meet one would wait for every line of it. The tiles before it therefore ask for it, each for a part.
  ///
  /// - Parameters:
  ///   - index: of the tile among `count` that go over the same weights.
  ///   - distance: from these weights to those that come next, in floats.
  @inline(__always)
  mutating func askAhead(index: Int, of count: Int, distance: Int) {
    let lines = max(vectors * lanes / lineWidth, 1)
    let share = (lines + count - 1) / count
    ahead = index * share < lines ? distance + index * share * lineWidth : 0
    aheadMore = share > 1 ? lineWidth : 0
  }
}

/// The floats of a line of the cache.
@inline(__always)
private var lineWidth: Int { 16 }

@inline(__always)
private func multiply<Width: Lanes>(
  _: Width.Type, _ tile: RNWTile, _ pixels: Addresses
) {
  switch tile.rows {
  case 1: accumulate(Row<Width>.self, tile, pixels)
  case 2: accumulate(Rows2<Width>.self, tile, pixels)
  case 3: accumulate(Rows3<Width>.self, tile, pixels)
  #if AVX2 || AVX512
    case 5: accumulate(Rows5<Width>.self, tile, pixels)
    case 6: accumulate(Rows6<Width>.self, tile, pixels)
  #endif
  #if AVX512
    case 7: accumulate(Rows7<Width>.self, tile, pixels)
  #endif
  default: accumulate(Rows4<Width>.self, tile, pixels)
  }
}

@inline(never)
private func accumulate<Pixels: Rows>(
  _: Pixels.Type, _ tile: RNWTile, _ pixels: Addresses
) {
  guard var weights = tile.weights, let sums = tile.sums else { return }
  let isFinished = tile.isFinished != 0
  var rows = Pixels(pixels)
  for tap in 0..<tile.taps {
    rows.move(to: pixels + tap * Kernels.tileRows)
    // What the epilogue touches is asked for a row at a time, between the products: it then arrives
    // while the processor multiplies.
    let isLast = isFinished && tap == tile.taps - 1
    let part = isLast ? (tile.channels + tile.rows - 1) / tile.rows : tile.channels
    var (channel, row) = (0, 0)
    while channel < tile.channels {
      if isLast, let layer = tile.layer {
        layer.pointee.epilogue.prefetch(
          place: tile.place + row * layer.pointee.outputStride, width: Pixels.Width.width)
      }
      let end = min(channel + part, tile.channels)
      while channel < end {
        if tile.ahead != 0 {
          rnw_prefetch_for_later(weights + tile.ahead)
          rnw_prefetch_for_later(weights + tile.ahead + tile.aheadMore)
        }
        rows.add(channel, Pixels.Width(weights))
        weights += Pixels.Width.width
        channel += 1
      }
      row += 1
    }
  }
  // Added last: two short sums lose less than a long one.
  if tile.isFirst == 0 { rows.apply(AddPixels(values: UnsafePointer(sums)), 0, tile.step) }
  if isFinished, let layer = tile.layer {
    if tile.isKept != 0 { rows.store(to: sums, step: tile.step) }
    if let addend = tile.addend { rows.apply(AddPixels(values: addend), 0, tile.step) }
    finish(
      &rows, layer.pointee.epilogue, stride: layer.pointee.outputStride, channel: tile.channel,
      place: tile.place)
  } else {
    rows.store(to: sums, step: tile.step)
  }
}

/// Does what the epilogue says to all sums of a tile while they are in registers, one thing after the other:
/// what need not be done costs one question for the whole tile.
@inline(__always)
private func finish<Pixels: Rows>(
  _ rows: inout Pixels, _ epilogue: RNWEpilogue, stride: Int, channel: Int, place: Int
) {
  if let bias = epilogue.bias { rows.apply(AddChannels(values: bias + channel), 0, stride) }
  if let scale = epilogue.scale, let shift = epilogue.shift {
    rows.apply(ScaleAndShift(scale: scale + channel, shift: shift + channel), 0, stride)
  }
  if epilogue.rectifies != 0 { rows.apply(Rectify(), 0, stride) }
  if let residual = epilogue.residual { rows.apply(AddPixels(values: residual), place, stride) }
  if let output = epilogue.output { rows.apply(Store(target: output), place, stride) }
  guard let activated = epilogue.activated else { return }
  if let scale = epilogue.nextScale, let shift = epilogue.nextShift {
    rows.apply(ScaleAndShift(scale: scale + channel, shift: shift + channel), 0, stride)
  }
  if epilogue.nextRectifies != 0 { rows.apply(Rectify(), 0, stride) }
  rows.apply(Store(target: activated), place, stride)
}

/// One thing that is done to a vector of sums.
private protocol Step {
  /// - Parameters:
  ///   - channel: counted from the tile's first.
  ///   - place: of the vector in the output.
  func apply(to vector: inout Vector, channel: Int, place: Int)
}

private struct AddChannels: Step {
  let values: UnsafePointer<Float>

  @inline(__always)
  func apply(to vector: inout Vector, channel: Int, place: Int) {
    vector += UnsafeRawPointer(values + channel).loadUnaligned(as: Vector.self)
  }
}

private struct ScaleAndShift: Step {
  let scale, shift: UnsafePointer<Float>

  @inline(__always)
  func apply(to vector: inout Vector, channel: Int, place: Int) {
    let scale = UnsafeRawPointer(scale + channel).loadUnaligned(as: Vector.self)
    let shift = UnsafeRawPointer(shift + channel).loadUnaligned(as: Vector.self)
    #if BASELINE
      vector = shift + vector * scale
    #else
      vector = shift.addingProduct(vector, scale)
    #endif
  }
}

private struct Rectify: Step {
  @inline(__always)
  func apply(to vector: inout Vector, channel: Int, place: Int) {
    // Lets NaN through.
    vector.replace(with: Vector(repeating: 0), where: vector .< Vector(repeating: 0))
  }
}

private struct AddPixels: Step {
  let values: UnsafePointer<Float>

  @inline(__always)
  func apply(to vector: inout Vector, channel: Int, place: Int) {
    vector = UnsafeRawPointer(values + place).loadUnaligned(as: Vector.self) + vector
  }
}

private struct Store: Step {
  let target: UnsafeMutablePointer<Float>

  @inline(__always)
  func apply(to vector: inout Vector, channel: Int, place: Int) {
    UnsafeMutableRawPointer(target + place).storeBytes(of: vector, as: Vector.self)
  }
}

/// The pixels of a tile, each with its place in the input and its sums.
///
/// Rows on rows are rows again, so that a tile is written once for every number of pixels;
/// everything is inlined, and the accumulators stay in registers.
private protocol Rows {
  associatedtype Width: Lanes
  static var count: Int { get }
  init(_ pixels: Addresses)
  /// Goes to another tap.
  mutating func move(to pixels: Addresses)
  /// Adds input · weights for one input channel.
  mutating func add(_ channel: Int, _ weights: Width)
  func store(to sums: UnsafeMutablePointer<Float>, step: Int)
  /// Does one thing to all sums.
  ///
  /// - Parameters:
  ///   - place: of the first pixel in the output.
  ///   - stride: from one pixel to the next.
  mutating func apply<Thing: Step>(_ step: Thing, _ place: Int, _ stride: Int)
}

/// One pixel.
private struct Row<Width: Lanes>: Rows {
  private var sums: Width
  private var input: UnsafePointer<Float>

  @inline(__always)
  static var count: Int { 1 }

  @inline(__always)
  init(_ pixels: Addresses) {
    sums = Width()
    input = pixels[0]
  }

  @inline(__always)
  mutating func move(to pixels: Addresses) {
    input = pixels[0]
  }

  @inline(__always)
  mutating func add(_ channel: Int, _ weights: Width) {
    sums.add(Vector(repeating: input[channel]), weights)
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Float>, step: Int) {
    self.sums.store(to: sums)
  }

  @inline(__always)
  mutating func apply<Thing: Step>(_ step: Thing, _ place: Int, _ stride: Int) {
    sums.apply(step, channel: 0, place: place)
  }
}

/// Rows, and more rows after them.
private struct Stack<First: Rows, Second: Rows>: Rows where First.Width == Second.Width {
  typealias Width = First.Width

  private var first: First
  private var second: Second

  @inline(__always)
  static var count: Int { First.count + Second.count }

  @inline(__always)
  init(_ pixels: Addresses) {
    first = First(pixels)
    second = Second(pixels + First.count)
  }

  @inline(__always)
  mutating func move(to pixels: Addresses) {
    first.move(to: pixels)
    second.move(to: pixels + First.count)
  }

  @inline(__always)
  mutating func add(_ channel: Int, _ weights: Width) {
    first.add(channel, weights)
    second.add(channel, weights)
  }

  @inline(__always)
  func store(to sums: UnsafeMutablePointer<Float>, step: Int) {
    first.store(to: sums, step: step)
    second.store(to: sums + First.count * step, step: step)
  }

  @inline(__always)
  mutating func apply<Thing: Step>(_ step: Thing, _ place: Int, _ stride: Int) {
    first.apply(step, place, stride)
    second.apply(step, place + First.count * stride, stride)
  }
}

private typealias Rows2<Width: Lanes> = Stack<Row<Width>, Row<Width>>
private typealias Rows3<Width: Lanes> = Stack<Rows2<Width>, Row<Width>>
private typealias Rows4<Width: Lanes> = Stack<Rows2<Width>, Rows2<Width>>
private typealias Rows5<Width: Lanes> = Stack<Rows3<Width>, Rows2<Width>>
private typealias Rows6<Width: Lanes> = Stack<Rows3<Width>, Rows3<Width>>
private typealias Rows7<Width: Lanes> = Stack<Rows4<Width>, Rows3<Width>>

/// Several vectors side by side: the output channels that one pixel of a tile accumulates.
///
/// A pair of lanes is lanes again, as with ``Rows``.
private protocol Lanes {
  /// The number of floats.
  static var width: Int { get }
  init()
  init(_ pointer: UnsafePointer<Float>)
  func store(to pointer: UnsafeMutablePointer<Float>)
  /// Adds value · weights.
  mutating func add(_ value: Vector, _ weights: Self)
  mutating func apply<Thing: Step>(_ step: Thing, channel: Int, place: Int)
}

/// One vector.
private struct Single: Lanes {
  private var vector: Vector

  @inline(__always)
  static var width: Int { lanes }

  @inline(__always)
  init() { vector = Vector(repeating: 0) }

  @inline(__always)
  init(_ pointer: UnsafePointer<Float>) {
    vector = UnsafeRawPointer(pointer).loadUnaligned(as: Vector.self)
  }

  @inline(__always)
  func store(to pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: vector, as: Vector.self)
  }

  @inline(__always)
  mutating func add(_ value: Vector, _ weights: Single) {
    #if BASELINE
      vector = rnw_in_order(vector + value * weights.vector)
    #else
      vector = rnw_in_order(vector.addingProduct(value, weights.vector))
    #endif
  }

  @inline(__always)
  mutating func apply<Thing: Step>(_ step: Thing, channel: Int, place: Int) {
    step.apply(to: &vector, channel: channel, place: place)
  }
}

/// Lanes, and more lanes beside them.
private struct Pair<First: Lanes, Second: Lanes>: Lanes {
  private var first: First
  private var second: Second

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

  @inline(__always)
  mutating func apply<Thing: Step>(_ step: Thing, channel: Int, place: Int) {
    first.apply(step, channel: channel, place: place)
    second.apply(step, channel: channel + First.width, place: place + First.width)
  }
}

private typealias Twofold = Pair<Single, Single>
private typealias Threefold = Pair<Twofold, Single>
private typealias Fourfold = Pair<Twofold, Twofold>
