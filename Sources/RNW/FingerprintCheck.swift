public import Tensors

/// How far an engine's value of one layer is from the one that a file was converted with.
public struct LayerCheck: Hashable, Sendable {
  /// The canonical name of the layer.
  public let name: String

  /// What the family calls it; `nil` where it has no such layer.
  public let familyName: String?

  /// The root mean square of the differences, in units of the layer's largest value: estimated from sixteen sums, so within
  /// some 18 % of what it is.
  ///
  /// Infinite where a value is not finite, or where there are more or fewer values than the layer has.
  public let error: Double

  /// The largest that it may be.
  public let limit: Double

  /// Whether it is within the limit.
  public var passes: Bool { error <= limit }
}

/// What a file's fingerprints tell of an engine.
public struct FingerprintCheck: Hashable, Sendable {
  /// The layers that were checked, in the order in which they are computed.
  public let layers: [LayerCheck]

  /// The canonical names of the layers that no value was given of.
  public let missing: [String]

  /// The names of values that are of no layer of the network.
  public let unknown: [String]

  /// The first layer that is wrong; what is before it and not ``missing`` is right.
  public var firstWrong: LayerCheck? { layers.first { !$0.passes } }

  /// Whether any layer was checked, and none is wrong.
  public var passes: Bool { !layers.isEmpty && firstWrong == nil }
}

extension Fingerprints {
  /// Checks the values that an engine gave for the probe of the certificate.
  ///
  /// - Parameters:
  ///   - activations: by the canonical name of a layer or by the family's. Of several images the first is taken: the
  ///     probe's first.
  ///   - layout: how they are laid out; where `nil`, as their shapes tell.
  ///   - tolerance: by how much an engine may be off that computes in a coarser type than float32, in the unit of
  ///     ``LayerCheck/error``. What storing values as float16 or bfloat16 does needs none.
  public func check(
    _ activations: [String: TensorData], layout: LayerLayout? = nil, tolerance: Double = 0
  ) -> FingerprintCheck {
    let layout = layout ?? self.layout(of: activations)
    var checks: [LayerCheck] = []
    var missing: [String] = []
    var unknown = Set(activations.keys).subtracting(["input"])
    let owners = owners(of: activations, layout, tolerance: tolerance)
    for (index, layer) in layers.enumerated() {
      let names = [layer.name] + (layer.familyName.map { [$0] } ?? [])
      guard let name = names.first(where: { unknown.contains($0) && owners[$0] == index }),
        let value = activations[name]
      else {
        missing.append(layer.name)
        continue
      }
      unknown.remove(name)
      if let check = check(layer, value, layout, tolerance: tolerance) { checks.append(check) }
    }
    return FingerprintCheck(layers: checks, missing: missing, unknown: unknown.sorted())
  }

  /// Checks the values that an engine gave of one layer for the probe of the certificate.
  ///
  /// - Parameters:
  ///   - name: the canonical one, or the family's.
  ///   - values: of one image.
  ///   - layout: how they are laid out.
  ///   - tolerance: by how much an engine may be off that computes in a coarser type than float32, in the unit of
  ///     ``LayerCheck/error``.
  /// - Returns: `nil` where there is no such layer, or nothing is kept of it as its values were not finite.
  public func check(
    _ name: String, values: UnsafeBufferPointer<Float>, layout: LayerLayout = .channelsLast,
    tolerance: Double = 0
  ) -> LayerCheck? {
    let possible: [Int] =
      switch meaning(of: name) {
      case .canonical(let index), .family(let index): [index]
      case .both(let canonical, let family): [canonical, family]
      case nil: []
      }
    // A name of two layers is that of the one whose values these are.
    return possible.compactMap { index -> LayerCheck? in
      let layer = layers[index]
      return layer.fingerprint.map {
        layer.check(values, against: $0, layout, limit: layer.limit + max(tolerance, 0))
      }
    }.min { $0.error < $1.error }
  }

  /// The layer of each array.
  ///
  /// A name may be canonical for one layer and the family's for another: then the other arrays tell whose names they have,
  /// and where these tell nothing, the values do.
  private func owners(
    of activations: [String: TensorData], _ layout: LayerLayout, tolerance: Double
  ) -> [String: Int] {
    var owners: [String: Int] = [:]
    var both: [(name: String, canonical: Int, family: Int)] = []
    var votes = 0
    for name in activations.keys {
      switch meaning(of: name) {
      case .canonical(let index):
        owners[name] = index
        if layers[index].familyName != name { votes += 1 }
      case .family(let index):
        owners[name] = index
        votes -= 1
      case .both(let canonical, let family): both.append((name, canonical, family))
      case nil: break
      }
    }
    for (name, canonical, family) in both {
      guard votes == 0, let value = activations[name] else {
        owners[name] = votes > 0 ? canonical : family
        continue
      }
      let errors = [canonical, family].map {
        check(layers[$0], value, layout, tolerance: tolerance)?.error ?? .infinity
      }
      owners[name] = errors[0] <= errors[1] ? canonical : family
    }
    return owners
  }

  private func check(
    _ layer: Layer, _ value: TensorData, _ layout: LayerLayout, tolerance: Double
  ) -> LayerCheck? {
    guard let fingerprint = layer.fingerprint else { return nil }
    let limit =
      layer.limit + max(tolerance, 0)
      + fingerprint.rounding(of: value.dtype, count: layer.shape.count)
    guard let (first, last) = layer.shape.fits(value.shape.dimensions),
      layout == .channelsFirst ? first : last
    else {
      return LayerCheck(
        name: layer.name, familyName: layer.familyName, error: .infinity, limit: limit)
    }
    return value.withFloats { floats in
      layer.check(
        UnsafeBufferPointer(rebasing: floats.prefix(layer.shape.count)), against: fingerprint,
        layout, limit: limit)
    }
  }

  /// The layout that most of the shapes tell of, channels last where none does.
  private func layout(of activations: [String: TensorData]) -> LayerLayout {
    var votes = 0
    for (name, value) in activations {
      guard let (first, last) = layer(named: name)?.shape.fits(value.shape.dimensions),
        first != last
      else { continue }
      votes += first ? 1 : -1
    }
    return votes > 0 ? .channelsFirst : .channelsLast
  }
}

extension Fingerprints.Layer {
  fileprivate func check(
    _ values: UnsafeBufferPointer<Float>, against fingerprint: Fingerprint, _ layout: LayerLayout,
    limit: Double
  ) -> LayerCheck {
    let error =
      Fingerprint(values, shape: shape, layout: layout).map {
        fingerprint.error(of: $0, count: shape.count)
      } ?? .infinity
    return LayerCheck(name: name, familyName: familyName, error: error, limit: limit)
  }
}

extension LayerShape {
  /// Whether the shape of an array, with or without a batch, is this one in either layout; `nil` where in neither.
  fileprivate func fits(_ array: [Int]) -> (first: Bool, last: Bool)? {
    func fits(_ layout: LayerLayout) -> Bool {
      let own = Array(dimensions(in: layout).dropFirst())
      if array == own { return true }
      guard array.count > 1, array[0] > 0 else { return false }
      let rest = Array(array.dropFirst())
      // Features may be an image of one pixel.
      return rest == own || own.count == 1 && (rest == own + [1, 1] || rest == [1, 1] + own)
    }
    let (first, last) = (fits(.channelsFirst), fits(.channelsLast))
    return first || last ? (first, last) : nil
  }
}

extension Fingerprint {
  /// The root mean square of the differences from other values of the same layer, in units of the largest here.
  func error(of other: Fingerprint, count: Int) -> Double {
    guard other.isFinite else { return .infinity }
    let squares = zip(sums, other.sums).reduce(0) { sum, pair in
      sum + (pair.1 - pair.0) * (pair.1 - pair.0)
    }
    return rootMeanSquare(squares, count: count)
  }

  /// By how much values are off that were rounded to a type, in the same unit.
  func rounding(of dtype: DType, count: Int) -> Double {
    let (relative, absolute) =
      switch dtype {
      case .float16: (0x1p-11, 0x1p-25)
      case .bfloat16: (0x1p-8, 0)
      default: (0.0, 0.0)
      }
    let size = rootMeanSquare(sums.reduce(0) { $0 + $1 * $1 }, count: count)
    return relative * size + absolute / scale
  }

  /// The largest value, or 1 where all are zeros.
  private var scale: Double { largest > 0 ? Double(largest) : 1 }

  private func rootMeanSquare(_ squares: Double, count: Int) -> Double {
    (squares / Double(Self.count) / Double(count)).squareRoot() / scale
  }
}
