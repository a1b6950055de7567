import Comparison
import Conversion
import Families
import Reports
public import Tensors

/// Compares a network with the one that it should be, layer by layer, on the same input.
///
/// ```swift
/// let original = try Network(contentsOf: "resnet50v2.h5")
/// let comparison = try compare(network, original)
/// print(comparison)  // the table of the worst layers, and the verdict
/// if let culprit = comparison.culprit {
///   print("\(culprit.name) is wrong: \(culprit.suspicion ?? "nobody knows why")")
/// }
/// ```
///
/// It is what `rnw verify CANDIDATE --against REFERENCE` does: the candidate runs as it runs in earnest; the reference
/// by sums in double precision, or by the graph that its file carries.
///
/// - Parameters:
///   - candidate: the network that is judged.
///   - reference: the network that is taken to be right.
///   - images: a file or a folder as ``Network/input(contentsOf:)`` takes it; where `nil`, the input of
///     ``Network/probe(seed:)``.
///   - limit: the largest scaled error that a layer may have; where `nil`, that of the coarser weights' type, 2e-5 for
///     float32.
/// - Throws: `InputError` where the two are different networks, where a file changed since it was opened, or where
///   the images do not fit.
public func compare(
  _ candidate: Network, _ reference: Network, images: String? = nil, limit: Double? = nil
) throws -> NetworkComparison {
  let result = try compare(
    candidate, contentsOf: reference.path, images: images, limit: limit)
  try reference.model.source.checkUnchanged()
  return result
}

/// Compares a network with what a file holds: another network, or the activations that a framework computed.
///
/// - Parameters:
///   - candidate: the network that is judged.
///   - path: weights in any container, a `.rnw`, or an archive of activations (`.npz` with an array `input` and one for
///     each layer, by the family's names).
///   - images: a file or a folder as ``Network/input(contentsOf:)`` takes it; where `nil`, the archive's own input,
///     or that of ``Network/probe(seed:)``.
///   - limit: the largest scaled error that a layer may have; where `nil`, that of the coarser weights' type, 2e-5 for
///     float32.
/// - Throws: `InputError` where the file cannot be read or is of another network, or where the images do not fit.
public func compare(
  _ candidate: Network, contentsOf path: String, images: String? = nil, limit: Double? = nil
) throws -> NetworkComparison {
  var request = VerificationRequest(model: candidate.path)
  request.pool = candidate.pool
  request.input = images.map { .path($0) }
  request.limits = limit.map { Limits(standard: $0) }
  let outcome = try verify(request, against: path) { _, _ in }
  try candidate.model.source.checkUnchanged()
  return NetworkComparison(outcome)
}

/// What a comparison found: the verdict, and the figures of every layer.
///
/// ```swift
/// let worst = comparison.layers.max { $0.timesLimit < $1.timesLimit }
/// ```
public struct NetworkComparison: Sendable, CustomStringConvertible {
  /// Whether every layer is within its limit, no weight differs by more than rounding, and every layer does the same of any
  /// input.
  public let passes: Bool

  /// The layers that were compared, in the order of the graph.
  public let layers: [Layer]

  /// The first layer that is wrong by itself: its inputs agree and its output does not; `nil` where all pass.
  public let culprit: Culprit?

  /// What the files do not tell of the network and was taken for right, in words: a pass does not prove it.
  public let assumptions: [String]

  /// The table of the worst layers and the verdict, as `rnw verify` prints them.
  public let description: String

  /// How one layer compares.
  public struct Layer: Hashable, Sendable {
    /// The canonical name, such as `stage1.block1.norm1`.
    public let name: String

    /// The family's name; `nil` where the family has no such layer.
    public let familyName: String?

    /// The shape of the value, in the family's layout.
    public let shape: Shape

    /// The largest difference in units of the largest value: max |a − b| / max |b|.
    public let scaledError: Double

    /// The largest that it may be.
    public let limit: Double

    /// The error in units of its limit, that of the worst channel where it is farther off; up to 1 passes.
    public let timesLimit: Double

    /// Whether the layer is within its limit.
    public let passes: Bool
  }

  /// The layer that is to blame.
  public struct Culprit: Hashable, Sendable {
    /// The canonical name.
    public let name: String

    /// The family's name; `nil` where the family has no such layer.
    public let familyName: String?

    /// The layer's own scaled error.
    public let scaledError: Double

    /// The canonical names of the layer's parameters.
    public let parameters: [String]

    /// What is wrong with it, such as `gamma and beta are swapped`; `nil` where nothing was found that explains it.
    public let suspicion: String?
  }

  init(_ outcome: Comparison.Outcome) {
    let verdict = outcome.verdict
    passes = verdict.passes
    layers = outcome.layers.map {
      Layer(
        name: $0.name, familyName: $0.familyName, shape: $0.shape, scaledError: $0.scaledError,
        limit: $0.limit, timesLimit: $0.timesLimit, passes: $0.passes)
    }
    culprit = verdict.culprit.map {
      Culprit(
        name: $0.name, familyName: $0.familyName, scaledError: $0.scaledError,
        parameters: $0.parameters, suspicion: $0.suspicion?.explanation)
    }
    assumptions = outcome.assumptions.map(\.words)
    description = TextReport().text(for: outcome)
  }
}
