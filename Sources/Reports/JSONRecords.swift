import Comparison
import Files
import Tensors

/// One layer in the JSON report.
struct LayerRecord: Encodable {
  private let layer: LayerComparison
  private let step: ErrorGrowth.Step?

  init(_ layer: LayerComparison, step: ErrorGrowth.Step?) {
    self.layer = layer
    self.step = step
  }

  private enum Key: String, CodingKey {
    case name
    case familyName
    case operation
    case shape
    case pass
    case limit
    case scaledError
    case timesLimit
    case problem
    case worstChannel
    case maxAbs
    case carriedError
    case addedError
    case withinFloat32Noise
    case growth
    case unexcusedError
    case propagated
    case isolated
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(layer.name, forKey: .name)
    try values.encode(layer.familyName, forKey: .familyName)
    try values.encode(layer.operation, forKey: .operation)
    try values.encode(layer.shape.dimensions, forKey: .shape)
    try values.encode(layer.passes, forKey: .pass)
    try values.encode(layer.limit, forKey: .limit)
    try values.encode(layer.scaledError, forKey: .scaledError)
    try values.encode(layer.timesLimit, forKey: .timesLimit)
    try values.encode(layer.problem, forKey: .problem)
    try values.encode(layer.worstChannelError.map(ChannelRecord.init), forKey: .worstChannel)
    try values.encode(layer.statistics.maximumDifference, forKey: .maxAbs)
    try values.encode(step?.carried, forKey: .carriedError)
    try values.encode(step?.added, forKey: .addedError)
    try values.encode(
      layer.isWithinNoise, forKey: .withinFloat32Noise)
    try values.encode(layer.propagatedBound.growth, forKey: .growth)
    try values.encode(layer.unexcusedError, forKey: .unexcusedError)
    try values.encode(
      layer.propagated.map {
        StatisticsRecord(
          $0, layer.propagatedBound, layer.propagatedChannel, position: layer.position(of: $0))
      },
      forKey: .propagated)
    try values.encode(
      layer.isolated.map {
        StatisticsRecord(
          $0, layer.isolatedBound, layer.isolatedChannel, position: layer.position(of: $0))
      },
      forKey: .isolated)
  }
}

/// The figures of one layer in one mode.
struct StatisticsRecord: Encodable {
  private let statistics: DifferenceStatistics
  private let bound: LayerBound
  private let channel: ChannelError?
  private let position: [Int]?

  init(
    _ statistics: DifferenceStatistics, _ bound: LayerBound, _ channel: ChannelError?,
    position: [Int]?
  ) {
    self.statistics = statistics
    self.bound = bound
    self.channel = channel
    self.position = position
  }

  private enum Key: String, CodingKey {
    case scaledError
    case limit
    case maxAbs
    case maxAbsAt
    case maxReference
    case meanAbs
    case rootMeanSquare
    case cosine
    case signalToNoiseDecibels
    case count
    case overLimit
    case notFinite
    case allowance
    case worstChannel
    case maxAbsIndex
    case sums
    case acceptsNotFinite
    case ulp
  }

  private struct ULP: Encodable {
    let largest: Int
    let ofLargestValue: Double
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(statistics.scaledError, forKey: .scaledError)
    try values.encode(bound.limit, forKey: .limit)
    try values.encode(statistics.maximumDifference, forKey: .maxAbs)
    try values.encode(position, forKey: .maxAbsAt)
    try values.encode(statistics.maximumReference, forKey: .maxReference)
    try values.encode(statistics.meanDifference, forKey: .meanAbs)
    try values.encode(statistics.rootMeanSquare, forKey: .rootMeanSquare)
    try values.encode(statistics.cosine, forKey: .cosine)
    try values.encode(statistics.signalToNoise, forKey: .signalToNoiseDecibels)
    try values.encode(statistics.count, forKey: .count)
    try values.encode(statistics.overLimit, forKey: .overLimit)
    try values.encode(NonFiniteRecord(statistics.nonFinite), forKey: .notFinite)
    try values.encode(bound.allowance, forKey: .allowance)
    try values.encode(channel.map(ChannelRecord.init), forKey: .worstChannel)
    try values.encode(statistics.maximumIndex, forKey: .maxAbsIndex)
    try values.encode(SumsRecord(statistics.sums), forKey: .sums)
    try values.encode(statistics.acceptsNotFinite, forKey: .acceptsNotFinite)
    try values.encode(
      statistics.largestULP.map {
        ULP(largest: $0, ofLargestValue: statistics.differenceInULPOfLargest)
      }, forKey: .ulp)
  }
}

/// The values that are not finite.
struct NonFiniteRecord: Encodable {
  let candidateNaN: Int
  let candidateInfinite: Int
  let referenceNaN: Int
  let referenceInfinite: Int
  let mismatched: Int
  let pairs: Int

  init(_ counts: NonFiniteCounts) {
    candidateNaN = counts.candidateNaN
    candidateInfinite = counts.candidateInfinite
    referenceNaN = counts.referenceNaN
    referenceInfinite = counts.referenceInfinite
    mismatched = counts.mismatched
    pairs = counts.pairs
  }
}

/// The culprit in the JSON report.
struct CulpritRecord: Encodable {
  private let culprit: Culprit

  init(_ culprit: Culprit) {
    self.culprit = culprit
  }

  private enum Key: String, CodingKey {
    case name
    case familyName
    case evidence
    case scaledError
    case inputs
    case unseen
    case parameters
    case suspicion
  }

  private struct Input: Encodable {
    let name: String
    let scaledError: Double
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(culprit.name, forKey: .name)
    try values.encode(culprit.familyName, forKey: .familyName)
    try values.encode(culprit.evidence.rawValue, forKey: .evidence)
    try values.encode(culprit.scaledError, forKey: .scaledError)
    try values.encode(
      culprit.inputs.map { Input(name: $0.displayName, scaledError: $0.scaledError) },
      forKey: .inputs)
    try values.encode(culprit.unseen, forKey: .unseen)
    try values.encode(culprit.parameters, forKey: .parameters)
    try values.encode(culprit.suspicion?.explanation, forKey: .suspicion)
  }
}

/// What came out: the classes that agree, and the file of a conversion.
struct OutputRecord: Encodable {
  let agreement: OutputAgreement?
  let file: JSONReport.OutputFile?

  private enum Key: String, CodingKey {
    case images
    case sameTop1
    case sameTop5
    case listLength
    case disagreements
    case path
    case bytes
  }

  private struct Disagreement: Encodable {
    let image: Int
    let candidate: [Int]
    let reference: [Int]
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(agreement?.images, forKey: .images)
    try values.encode(agreement?.sameFirst, forKey: .sameTop1)
    try values.encode(agreement?.sameList, forKey: .sameTop5)
    try values.encode(agreement?.listLength, forKey: .listLength)
    try values.encode(
      agreement?.disagreements.map {
        Disagreement(image: $0.image, candidate: $0.candidate, reference: $0.reference)
      }, forKey: .disagreements)
    try values.encode(file?.path, forKey: .path)
    try values.encode(file?.bytes, forKey: .bytes)
  }
}

/// A layer that is compared as part of another.
struct FoldedRecord: Encodable {
  let name: String
  let into: String

  init(_ folded: Coverage.Folded) {
    name = folded.name
    into = folded.into
  }
}
