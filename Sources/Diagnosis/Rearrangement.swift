import Comparison
import Tensors

/// A mistake in the order of a kernel's or matrix's values: axes exchanged or reversed, values moved, or
/// taken for those of another layout.
struct Rearrangement {
  /// What is wrong, following the tensor's word.
  let explanation: String
  /// The layouts that were confused, where that is the mistake.
  var layouts: LayoutMistake?
  /// The values that went over the edge and are lost, where there are any.
  var lost: Lost?

  private let sizes: Sizes
  /// Where a value of what is right stands in what is there, both as OIHW.
  private let source: (_ output: Int, _ input: Int, _ y: Int, _ x: Int) -> Int

  /// The extents of a kernel [O, I, H, W] or matrix [O, I].
  struct Sizes: Hashable {
    let outputs: Int
    let inputs: Int
    let height: Int
    let width: Int

    /// Returns `nil` for a tensor that is neither.
    init?(_ shape: Shape) {
      guard shape.rank == 4 || shape.rank == 2, shape.elementCount > 0 else { return nil }
      (outputs, inputs) = (shape[0], shape[1])
      (height, width) = shape.rank == 4 ? (shape[2], shape[3]) : (1, 1)
    }

    func index(_ output: Int, _ input: Int, _ y: Int, _ x: Int) -> Int {
      ((output * inputs + input) * height + y) * width + x
    }
  }

  /// Values that cannot be brought back by moving what is there.
  struct Lost {
    /// The output channels that lack values.
    let outputs: Range<Int>
    /// Which values of each of them, in the order IHW.
    let taps: [Int]
  }

  init(
    _ explanation: String, _ sizes: Sizes, layouts: LayoutMistake? = nil, lost: Lost? = nil,
    _ source: @escaping (_ output: Int, _ input: Int, _ y: Int, _ x: Int) -> Int
  ) {
    self.explanation = explanation
    self.sizes = sizes
    self.layouts = layouts
    self.lost = lost
    self.source = source
  }
}

extension Rearrangement {
  /// Every mistake that leaves a tensor with the same shape, the likeliest first; each only once, and
  /// none that would change nothing.
  ///
  /// - Parameter isMade: whether the tensor is right, and ``undone(on:)`` is to make the mistake; what makes it loses nothing.
  static func all(for shape: Shape, isMade: Bool = false) -> [Rearrangement] {
    guard let sizes = Sizes(shape) else { return [] }
    let moved =
      transposed(sizes, rank: shape.rank) + turned(sizes, isMade: isMade)
      + LayoutMistake.all(rank: shape.rank).map { $0.rearrangement(sizes, isMade: isMade) }
      + ChannelOrder.all(shape.rank == 4 ? sizes.inputs : 0).map {
        inputs(sizes, in: isMade ? $0.inverse : $0, isMade: isMade)
      }
      + shiftedByTap(sizes, isLost: false, isMade: isMade)
      + shiftedByElement(sizes, rank: shape.rank, isLost: false, isMade: isMade)
    let all =
      isMade
      ? moved
      : moved
        // What loses one value explains less than what loses a row, and so proves more.
        + shiftedByElement(sizes, rank: shape.rank, isLost: true)
        + shiftedByTap(sizes, isLost: true)
    var seen: Set<[Int]> = [probes(sizes).map { sizes.index($0.0, $0.1, $0.2, $0.3) }]
    return all.filter { seen.insert($0.signature).inserted }
  }

  /// The input channels of a kernel, or the features of a matrix, in another order.
  static func inputs(
    _ sizes: Sizes, in order: ChannelOrder, isMade: Bool = false, word: String = "input channels"
  ) -> Rearrangement {
    let words = (isMade ? order.inverse : order).explanation
    return Rearrangement("has its \(word) in another order: \(words)", sizes) {
      sizes.index($0, order.places[$1], $2, $3)
    }
  }

  /// What the tensor would be without the mistake.
  func undone(on tensor: TensorData) -> TensorData {
    let result = tensor.withFloats { values in
      [Float](unsafeUninitializedCapacity: values.count) { buffer, count in
        forEach { target, source in buffer[target] = values[source] }
        count = values.count
      }
    }
    return TensorData(shape: tensor.shape, values: result)
  }

  /// Where the value of what is right stands in what is there.
  func place(_ output: Int, _ input: Int, _ y: Int, _ x: Int) -> Int {
    source(output, input, y, x)
  }

  /// Whether a tensor without the mistake is another one, up to a tolerance; what is lost is passed over.
  func explains(
    _ found: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>, tolerance: Float
  ) -> Bool {
    var passedOver: Set<Int> = []
    if let lost {
      let window = sizes.inputs * sizes.height * sizes.width
      for output in lost.outputs { passedOver.formUnion(lost.taps.map { output * window + $0 }) }
      guard passedOver.count * 2 < right.count else { return false }
    }
    return allSatisfy { target, source in
      (found[source] - right[target]).magnitude <= tolerance
        || !passedOver.isEmpty && passedOver.contains(target)
    }
  }

  private func forEach(_ body: (_ target: Int, _ source: Int) -> Void) {
    _ = allSatisfy { target, source in
      body(target, source)
      return true
    }
  }

  private func allSatisfy(_ isTrue: (_ target: Int, _ source: Int) -> Bool) -> Bool {
    var target = 0
    for output in 0..<sizes.outputs {
      for input in 0..<sizes.inputs {
        for y in 0..<sizes.height {
          for x in 0..<sizes.width {
            guard isTrue(target, source(output, input, y, x)) else { return false }
            target += 1
          }
        }
      }
    }
    return true
  }

  /// Where some values come from: two mistakes that agree there are the same one.
  private var signature: [Int] {
    Self.probes(sizes).map { source($0.0, $0.1, $0.2, $0.3) } + (lost?.taps ?? [])
  }

  private static func probes(_ sizes: Sizes) -> [(Int, Int, Int, Int)] {
    let corner = (sizes.outputs - 1, sizes.inputs - 1, sizes.height - 1, sizes.width - 1)
    let edges = [
      (0, 0, 0, 0), (corner.0, 0, 0, 0), (0, corner.1, 0, 0), (0, 0, corner.2, 0),
      (0, 0, 0, corner.3), corner,
    ]
    return edges
      + (1...60).map {
        (
          $0 * 7 % sizes.outputs, $0 * 5 % sizes.inputs, $0 * 3 % sizes.height, $0 % sizes.width
        )
      }
  }
}

// MARK: - The kinds

extension Rearrangement {
  private static func transposed(_ sizes: Sizes, rank: Int) -> [Rearrangement] {
    var result: [Rearrangement] = []
    let isMatrix = sizes.height == 1 && sizes.width == 1
    if sizes.outputs == sizes.inputs {
      result.append(
        Rearrangement(
          rank == 2 ? "is transposed" : "has input and output channels transposed", sizes
        ) { sizes.index($1, $0, $2, $3) })
    }
    guard !isMatrix, sizes.height == sizes.width else { return result }
    result.append(
      Rearrangement("has height and width transposed", sizes) { sizes.index($0, $1, $3, $2) })
    if sizes.outputs == sizes.inputs {
      result.append(
        Rearrangement("is transposed in channels and in space", sizes) {
          sizes.index($1, $0, $3, $2)
        })
    }
    return result
  }

  private static func turned(_ sizes: Sizes, isMade: Bool) -> [Rearrangement] {
    let (bottom, right) = (sizes.height - 1, sizes.width - 1)
    var result = [
      Rearrangement("is turned by 180° (flipped in both directions)", sizes) {
        sizes.index($0, $1, bottom - $2, right - $3)
      },
      Rearrangement("is flipped top to bottom", sizes) { sizes.index($0, $1, bottom - $2, $3) },
      Rearrangement("is flipped left to right", sizes) { sizes.index($0, $1, $2, right - $3) },
    ]
    guard bottom == right else { return result }
    let (clockwise, counterclockwise) = (
      "is turned by 90° clockwise", "is turned by 90° counterclockwise"
    )
    // What stands at (y, x) was turned to (x, right − y), a quarter clockwise.
    result += [
      Rearrangement(isMade ? counterclockwise : clockwise, sizes) {
        sizes.index($0, $1, $3, right - $2)
      },
      Rearrangement(isMade ? clockwise : counterclockwise, sizes) {
        sizes.index($0, $1, right - $3, $2)
      },
      Rearrangement("is mirrored at its second diagonal", sizes) {
        sizes.index($0, $1, right - $3, right - $2)
      },
    ]
    return result
  }

  /// The window one tap further: values that leave it come in on the other side, or are lost.
  private static func shiftedByTap(
    _ sizes: Sizes, isLost: Bool, isMade: Bool = false
  ) -> [Rearrangement] {
    guard sizes.height > 1, sizes.width > 1 else { return [] }
    let steps = [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1)]
    return steps.map { down, across in
      let directions =
        (down == 0 ? [] : [down > 0 ? "down" : "up"])
        + (across == 0 ? [] : [across > 0 ? "right" : "left"])
      func moved(_ index: Int, _ step: Int, _ size: Int) -> Int {
        (index + (isMade ? -step : step) + size) % size
      }
      let (height, width) = (sizes.height, sizes.width)
      var taps: [Int] = []
      for tap in 0..<sizes.inputs * height * width {
        let (y, x) = (tap / width % height + down, tap % width + across)
        if !(0..<height ~= y && 0..<width ~= x) { taps.append(tap) }
      }
      return Rearrangement(
        "is shifted by a tap, \(directions.joined(separator: " and "))"
          + (isLost ? "; what went over the edge is lost" : ""), sizes,
        lost: isLost ? Lost(outputs: 0..<sizes.outputs, taps: taps) : nil
      ) { sizes.index($0, $1, moved($2, down, height), moved($3, across, width)) }
    }
  }

  /// All values one place further in the file, in either order of the axes.
  private static func shiftedByElement(
    _ sizes: Sizes, rank: Int, isLost: Bool, isMade: Bool = false
  ) -> [Rearrangement] {
    let count = sizes.outputs * sizes.inputs * sizes.height * sizes.width
    guard count > 2 else { return [] }
    let window = count / sizes.outputs
    return LayoutMistake.layouts(rank: rank).prefix(2).flatMap { layout in
      [1, -1].map { step in
        // Forwards the last value is lost, backwards the first.
        let lost =
          step > 0
          ? Lost(outputs: sizes.outputs - 1..<sizes.outputs, taps: [window - 1])
          : Lost(outputs: 0..<1, taps: [0])
        return Rearrangement(
          "is shifted by an element, \(step > 0 ? "forwards" : "backwards") in the order "
            + layout.words + (isLost ? "; what went over the end is lost" : ""), sizes,
          lost: isLost ? lost : nil
        ) {
          let index = layout.index($0, $1, $2, $3, sizes)
          let place = (index + (isMade ? -step : step) + count) % count
          return layout.standardIndex(of: place, sizes)
        }
      }
    }
  }
}
