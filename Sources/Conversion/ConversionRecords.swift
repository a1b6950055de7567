import Comparison
import Families
import FoundationEssentials
import Inference
import Precision
import RNW
import ResNetV2
import Tensors
import WeightSources

// What a written file says of itself beside its tensors: where they came from, and what was compared.

/// The records of a model that is known before anything is compared.
///
/// - Parameter configuration: the network that is written, where it is not the model's own.
func records(
  of model: Model, writing configuration: Configuration? = nil, publication: Publication? = nil
) throws -> RNWDraft.Records {
  let own = model.graph.configuration
  let configuration = configuration ?? own
  var source = try source(of: model)
  source.published = publication.flatMap { $0.isSame ? $0.words : nil } ?? source.published
  if configuration != own {
    source.baked = own.weightStandardizationEpsilon.map {
      ["weightStandardizationEpsilon": "\($0)"]
    }
  }
  return RNWDraft.Records(
    configuration: try RecordCoding.json(configuration), formatMajor: configuration.formatMajor,
    preprocessing: try RecordCoding.json(preprocessing(of: model)),
    source: try RecordCoding.json(source))
}

private func preprocessing(of model: Model) throws -> PreprocessingRecord {
  if let file = model.converted { return try file.preprocessing() }
  return PreprocessingRecord(preprocessing: try model.preprocessing(), inputSize: model.usualSide)
}

/// Where the weights of a model come from; what is itself a `.rnw` keeps where its own came from.
private func source(of model: Model) throws -> SourceRecord {
  // As long as the digest that takes its place.
  let digest = String(repeating: "0", count: 64)
  let tool = "rnw \(PackageVersion.text)"
  if let file = model.converted {
    var record: SourceRecord = try file.source()
    let step = SourceRecord.Step(file: fileName(of: file.path), sha256: digest, tool: tool)
    record.through = (record.through ?? []) + [step]
    return record
  }
  let entries = model.mapping?.entries ?? []
  return SourceRecord(
    file: fileName(of: model.source.path), sha256: digest, container: model.source.container,
    family: model.family.id, renamedLayers: model.renamedLayers,
    used: Dictionary(uniqueKeysWithValues: entries.map { ($0.parameter.name, $0.tensor.name) }),
    waived: Dictionary(
      uniqueKeysWithValues: (model.mapping?.waived ?? []).map { ($0.tensor.name, $0.reason) }),
    told: model.told.isEmpty ? nil : model.told, rules: model.rules, tool: tool)
}

/// How much the certificate may take: a fixed part, each value in at most 16 characters, and each layer
/// with its name and shape, its fingerprint and the family's name.
///
/// - Parameter hasOwnImages: whether the layers are compared on others than the probe, of other shapes.
func certificateBytes(for model: Model, hasOwnImages: Bool) throws -> Int {
  let nodes = model.graph.nodes
  let names = try RecordCoding.json(nodes.map { model.layerNames.name(of: $0.name) ?? "" })
  // A text within a text: what is not plain may be escaped once more.
  let nameBytes = names.utf8.reduce(0) { bytes, byte in
    bytes + (byte < 0x80 ? byte == 0x22 || byte == 0x5C ? 2 : 1 : 8)
  }
  return 8192 + 16 * model.graph.outputChannels + 64 * model.graph.configuration.input.channels
    + nodes.reduce(nameBytes) {
      $0 + (hasOwnImages ? 2 : 1) * ($1.name.utf8.count + 32) + Fingerprints.bytesPerLayer
    }
}

/// The records of a conversion that passed: with the digest of its source and the certificate.
func certify(
  _ records: RNWDraft.Records, _ digest: String?, _ request: ConversionRequest, _ model: Model,
  _ proof: Proof
) throws -> RNWDraft.Records {
  var records = records
  var source = try RecordCoding.record(SourceRecord.self, from: records.source)
  if let digest { source.setDigest(digest) }
  records.source = try RecordCoding.json(source)
  let compared = try compared(request, proof)
  let limit = request.limits(for: model.graph).propagated
  let certificate = CertificateRecord(
    probe: probe(proof, model.graph.configuration.input),
    node: model.graph.nodes[model.graph.certifiedNode].name, values: proof.certifiedValues,
    limit: limit, layers: proof.own.verdict.compared,
    compared: compared,
    rounding: request.precision == .float32
      ? nil
      : proof.accuracy.map { result in
        .init(
          precision: request.precision, maximumError: request.maximumError,
          outputError: proof.certifiedError ?? 0, images: result.images,
          layers: result.verdict.compared)
      },
    ownGraph: proof.ownGraph.map { .init(layers: $0.verdict.compared) },
    reference: proof.framework.map { result in
      .init(file: fileName(of: request.reference ?? ""), layers: result.verdict.compared)
    },
    assumptions: proof.assumptions.isEmpty ? nil : proof.assumptions,
    part: model.mapping?.part.map { "part of \(fileName(of: model.source.path)); \($0)" },
    fingerprints: fingerprints(proof, model, compared, limit: limit))
  records.certificate = try RecordCoding.json(certificate)
  return records
}

/// What tells the first wrong layer of an engine, by the family's names as well: but for those that a framework makes up by
/// counting, which differ from one program to the next.
private func fingerprints(
  _ proof: Proof, _ model: Model, _ compared: CertificateRecord.ComparedRecord, limit: Double
) -> Fingerprints.Record? {
  let layers = proof.fingerprints.map { layer in
    let name = model.layerNames.name(of: layer.name)
    return (
      name: layer.name,
      familyName: name.flatMap { model.layerNames.isCounted($0, like: $0) ? nil : $0 },
      shape: layer.shape, fingerprint: layer.fingerprint
    )
  }
  return Fingerprints.record(
    of: layers, compared: compared.layers, limits: limits(proof, model.graph, standard: limit))
}

/// The limits of functions that are exponentials far from zero: what a value that they read may be off by becomes a share of
/// what they give.
private func limits(_ proof: Proof, _ graph: Graph, standard: Double) -> [String: Double] {
  let largest = Dictionary(
    uniqueKeysWithValues: proof.fingerprints.map { ($0.name, $0.fingerprint.largest) })
  var result: [String: Double] = [:]
  for node in graph.nodes {
    guard case .activation(let function) = node.operation,
      [.softmax, .sigmoid, .softplus, .silu].contains(function),
      let read = node.inputs.first.flatMap({ largest[graph.nodes[$0].name] }), read.isFinite
    else { continue }
    // No relative slope is more than 2, nor twice as much for a difference that is not small.
    result[node.name] = standard * (1 + 4 * Double(read))
  }
  return result
}

private func probe(
  _ proof: Proof, _ input: Configuration.Input
) -> CertificateRecord.ProbeRecord {
  let range = ProbeRange(input)
  return .init(
    seed: proof.probe.seed, shape: proof.probe.shape.dimensions,
    scale: range.scale.isEmpty ? nil : range.scale,
    offset: range.offset.isEmpty ? nil : range.offset)
}

/// What the layers were compared on, for whoever wants to know what a certificate rests on.
private func compared(
  _ request: ConversionRequest, _ proof: Proof
) throws -> CertificateRecord.ComparedRecord {
  let own = proof.own
  var seed: UInt64?
  if case .probe(let value, _) = request.input { seed = value }
  let shapes = try own.graph.shapes(for: Shape([1] + own.inputShape.dimensions.dropFirst()))
  return .init(
    input: .init(
      images: own.images, shape: [1] + own.inputShape.dimensions.dropFirst(),
      sha256: proof.inputDigest, seed: seed),
    layers: Dictionary(
      uniqueKeysWithValues: own.layers.map {
        ($0.name, shapes[$0.node].dimensions)
      }), tensors: own.weights?.identical ?? 0)
}
