public import Tensors

/// What everyone with a file can compute again: its `rnw.certificate`, as far as a reader needs it.
///
/// ```swift
/// if let certificate: Certificate = try model.certificate(), let shape = certificate.probeShape {
///   let probe = Activation.probe(certificate.probe, shape: shape)
///   let error = certificate.scaledError(of: try executor.certifiedValues(for: probe))
///   print(error <= certificate.limit)
/// }
/// ```
public struct Certificate: Sendable {
  /// The probe that the network was run on.
  public let probe: Probe
  /// What the values are: the node whose output they are, averaged over the image where it has one.
  public let node: String
  /// The values of that node for the first image, as the reference executor gave them.
  public let values: [Float]
  /// The largest scaled error of a network with these weights.
  public let limit: Double
  /// What nothing told of the network when it was converted, and what was taken for it; `nil` where all was told.
  public let assumptions: [Assumption]?

  /// The fingerprints of the layers as they stand there; `nil` where the file has none.
  let fingerprintRecord: Fingerprints.Record?
  /// The shapes of the compared layers, where fingerprints need them.
  let comparedShapes: [String: [Int]]?

  /// An input that everyone can make.
  public struct Probe: Decodable, Sendable {
    /// The seed of SplitMix64.
    public let seed: UInt64
    /// The shape, [N, H, W, C].
    public let shape: [Int]
    /// What the uniform values of each channel are multiplied by; absent for 1.
    public let scale: [Double]?
    /// What is then added; absent for 0.
    public let offset: [Double]?

    /// Whether a number of every channel is there, or none.
    fileprivate func isPossible(channels: Int) -> Bool {
      [scale, offset].allSatisfy { numbers in
        numbers.map { $0.count == channels && $0.allSatisfy(\.isFinite) } ?? true
      }
    }
  }

  /// A value that the family supplied, as the source was silent about it.
  public struct Assumption: Decodable, Hashable, Sendable {
    /// Which option of the network it is, such as `head.activation`.
    public let option: String
    /// What was taken, such as `softmax`.
    public let value: String
  }
}

extension Certificate: Decodable {
  /// Reads the record of a file.
  public init(from decoder: any Decoder) throws {
    let record = try decoder.container(keyedBy: Key.self)
    let fingerprints = try record.decodeIfPresent(Fingerprints.Record.self, forKey: .fingerprints)
    let needsShapes = fingerprints != nil && fingerprints?.layers == nil
    self.init(
      probe: try record.decode(Probe.self, forKey: .probe),
      node: try record.decode(String.self, forKey: .node),
      values: try record.decode([Float].self, forKey: .values),
      limit: try record.decode(Double.self, forKey: .limit),
      assumptions: try record.decodeIfPresent([Assumption].self, forKey: .assumptions),
      fingerprints: fingerprints,
      comparedShapes: needsShapes
        ? try record.decode(Compared.self, forKey: .compared).layers : nil)
  }

  init(
    probe: Probe, node: String, values: [Float], limit: Double, assumptions: [Assumption]?,
    fingerprints: Fingerprints.Record? = nil, comparedShapes: [String: [Int]]? = nil
  ) {
    (self.probe, self.node, self.values, self.limit) = (probe, node, values, limit)
    (self.assumptions, fingerprintRecord) = (assumptions, fingerprints)
    self.comparedShapes = comparedShapes
  }

  private enum Key: String, CodingKey {
    case probe, node, values, limit, assumptions, fingerprints, compared
  }

  private struct Compared: Decodable {
    let layers: [String: [Int]]
  }
}

extension Certificate {
  /// What tells the first wrong layer of an engine; `nil` for a file of a version that did not write it.
  public var fingerprints: Fingerprints? {
    fingerprintRecord.flatMap {
      Fingerprints($0, compared: comparedShapes, limit: limit)
    }
  }

  /// The shape of the probe, or `nil` where it is none that a conversion makes: one of more than
  /// an image of 4096×4096 with 3 channels.
  public var probeShape: Shape? {
    guard let shape = Shape(validating: probe.shape), shape.rank == 4,
      (1...Self.maximumProbeElements).contains(shape.elementCount)
    else { return nil }
    return shape
  }

  private static let maximumProbeElements = 4096 * 4096 * 3

  /// Whether it certifies anything: a probe that everyone can make, values, and a limit; and fingerprints, if any, that
  /// are some.
  public var isPossible: Bool {
    probeShape.map { probe.isPossible(channels: $0[3]) } == true && !values.isEmpty
      && limit.isFinite && limit >= 0 && (fingerprintRecord == nil || fingerprints != nil)
  }

  /// How far a network's values are from the certified ones: max |a − b| / max |b|.
  ///
  /// A network with these weights is right where that is at most ``limit``. Infinite where the
  /// number of values differs, or where any of them is not finite: that agrees with nothing, not even
  /// with itself, as a network that gives NaN everywhere would agree with any other.
  public func scaledError(of values: [Float]) -> Double {
    guard values.count == self.values.count, !values.isEmpty else { return .infinity }
    return ScaledError(of: values, from: self.values).value
  }
}
