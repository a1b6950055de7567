import Files
package import ResNetV2
package import Tensors
import Threads

/// Whether two networks have the same weights, parameter by parameter: what no input may show.
package struct WeightAgreement: Hashable, Sendable {
  /// How many tensors were compared.
  package let compared: Int

  /// How many of them are the same to the bit.
  package let identical: Int

  /// How many differ by no more than rounding.
  package let rounded: Int

  /// The tensors that differ by more, in the order of the network.
  package let different: [DifferentTensor]

  /// Whether no tensor differs by more than rounding.
  package var agrees: Bool { different.isEmpty }

  /// A tensor that differs by more than rounding.
  package struct DifferentTensor: Hashable, Sendable {
    /// The canonical name of the parameter.
    package let name: String
    /// The shape.
    package let shape: Shape
    /// How many output channels differ.
    package let channels: Int
    /// The first of them.
    package let firstChannel: Int
    /// The largest difference of a channel, in units of its largest value.
    package let error: Double

    /// Describes a tensor.
    package init(name: String, shape: Shape, channels: Int, firstChannel: Int, error: Double) {
      (self.name, self.shape, self.error) = (name, shape, error)
      (self.channels, self.firstChannel) = (channels, firstChannel)
    }
  }

  /// An agreement that was found before.
  package init(compared: Int, identical: Int, rounded: Int, different: [DifferentTensor]) {
    (self.compared, self.identical, self.rounded) = (compared, identical, rounded)
    self.different = different
  }

  /// Compares the parameters that both have.
  ///
  /// - Parameters:
  ///   - graph: the candidate's network.
  ///   - tolerance: by how much a parameter's channel may differ, in units of its largest value, where
  ///     no narrower type explains more.
  ///   - reference: a tensor of the reference; `nil` where it has none of that name.
  ///   - isBitExact: whether nothing but the same bits in the same type will do.
  /// - Throws: what reading a tensor throws.
  package init(
    of graph: Graph, threads: Int, isBitExact: Bool = false,
    tolerance: @Sendable (Parameter) -> Double = { _ in Limits.float32Noise },
    candidate: @Sendable (Parameter) throws -> TensorData?,
    reference: @Sendable (Parameter) throws -> TensorData?
  ) throws {
    func bytes(_ parameter: Parameter) -> Int {
      parameter.shape.elementCount * DType.float32.byteWidth
    }
    let total = graph.parameters.reduce(0) { $0 + bytes($1) }
    let results = try concurrentMap(
      graph.parameters, threads: threads, sharing: WorkingMemory.shared(among: total), bytes: bytes
    ) { parameter, _ in
      guard let own = try candidate(parameter), let other = try reference(parameter)?.made else {
        return Result.absent
      }
      defer {
        own.releasePages()
        other.releasePages()
      }
      return Result(
        parameter.name, own, other, isBitExact ? nil : tolerance(parameter))
    }
    compared = results.count { $0 != .absent }
    identical = results.count { $0 == .identical }
    rounded = results.count { $0 == .rounded }
    different = results.compactMap { result -> DifferentTensor? in
      guard case .different(let tensor) = result else { return nil }
      return tensor
    }
  }

  fileprivate enum Result: Hashable, Sendable {
    case absent
    case identical
    case rounded
    case different(DifferentTensor)
  }
}

extension WeightAgreement.Result {
  fileprivate init(
    _ name: String, _ own: TensorData, _ other: TensorData, _ allowed: Double?
  ) {
    let isBitExact = allowed == nil
    let hasSameType = own.dtype == other.dtype || !isBitExact
    if own.shape == other.shape, hasSameType, own.hasSameBits(as: other) {
      self = .identical
      return
    }
    guard own.shape == other.shape else {
      self = .different(
        .init(
          name: name, shape: own.shape, channels: own.shape[0], firstChannel: 0, error: .infinity))
      return
    }
    let tolerance = Tolerance(own.dtype, other.dtype, allowed: allowed ?? 0)
    let channels = max(own.shape.rank > 0 ? own.shape[0] : 1, 1)
    let perChannel = own.shape.elementCount / channels
    var differing: [Int] = []
    var worst = 0.0
    own.withFloats { own in
      other.withFloats { other in
        for channel in 0..<channels {
          let range = channel * perChannel..<(channel + 1) * perChannel
          let (a, b) = (own[range], other[range])
          let measure = ScaledError(of: a, from: b)
          let isSame = zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
          guard !isSame, isBitExact || !tolerance.allows(a, b, measure) else { continue }
          differing.append(channel)
          worst = max(worst, measure.value)
        }
      }
    }
    self =
      differing.isEmpty && !isBitExact
      ? .rounded
      : .different(
        .init(
          name: name, shape: own.shape, channels: differing.count,
          firstChannel: differing.first ?? 0, error: worst))
  }
}

/// By how much rounding to the narrower of two types moves a value.
private struct Tolerance {
  private let type: DType
  private let allowed: Double

  init(_ first: DType, _ second: DType, allowed: Double) {
    self.allowed = allowed
    let narrow: [DType] = [.int8, .bfloat16, .float16]
    type = narrow.first { $0 == first || $0 == second } ?? .float32
  }

  func allows(
    _ a: Slice<UnsafeBufferPointer<Float>>, _ b: Slice<UnsafeBufferPointer<Float>>,
    _ measure: ScaledError
  ) -> Bool {
    guard measure.isFinite else { return false }
    // The other side is the one that was rounded, or this one: the larger value bounds both.
    func each(_ share: Double, _ smallest: Double) -> Bool {
      zip(a, b).allSatisfy { a, b in
        let (a, b) = (Double(a), Double(b))
        return (a - b).magnitude <= share * max(a.magnitude, b.magnitude) + smallest
      }
    }
    switch type {
    // Calibrated rounding goes up or down, so by up to a whole step.
    case .float16: return each(0x1p-10, 0x1p-24)
    case .bfloat16: return each(0x1p-7, 0x1p-133)
    case .int8: return measure.difference <= 1.01 * max(measure.largest, largest(a)) / 127
    default: return measure.value <= allowed
    }
  }

  private func largest(_ values: Slice<UnsafeBufferPointer<Float>>) -> Double {
    Double(values.reduce(0) { max($0, $1.magnitude) })
  }
}

extension TensorData {
  /// Whether two tensors have the same float32 values, to the bit.
  package func hasSameBits(as other: TensorData) -> Bool {
    guard shape == other.shape else { return false }
    return withFloats { own in
      other.withFloats { other in
        zip(own, other).allSatisfy { $0.bitPattern == $1.bitPattern }
      }
    }
  }
}
