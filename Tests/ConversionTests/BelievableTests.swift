import Comparison
import Families
import Files
import FoundationEssentials
import Inference
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing
import WeightSources

@testable import Conversion

@Suite("What a pass rests on")
struct BelievableTests {
  @Test(
    "An input with a value that is not finite is refused, and the value named",
    arguments: [Float.nan, .infinity, -.infinity])
  func refusesInputs(_ value: Float) throws {
    let folder = try TemporaryFolder()
    var values = Activation.probe(seed: 3, shape: [2, 32, 32, 3]).values
    values[32 * 32 * 3 + 3 * 32 * 4 + 3 * 5 + 2] = value
    let path = try write(
      [("input", TensorData(shape: [2, 32, 32, 3], values: values))], to: folder)
    let source = Fixture.path("keras/narrow.h5")
    var conversion = ConversionRequest(source: source, output: folder.file("x.rnw"))
    conversion.input = .path(path)
    var verification = VerificationRequest(model: source)
    verification.input = .path(path)
    let errors = [
      #expect(throws: InputError.self) { _ = try convert(conversion) { _, _ in } },
      #expect(throws: InputError.self) {
        _ = try verify(verification, against: source) { _, _ in }
      },
      #expect(throws: InputError.self) {
        _ = try run(RunRequest(model: source, input: .path(path)))
      },
    ]
    for error in errors {
      #expect(error?.kind == .badData && error?.path == path)
      #expect(error?.place?.contains("in image 1 at [4, 5, 2]") == true)
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("x.rnw")))
  }

  @Test("A certificate says on which images which layers were compared")
  func statesTheInput() throws {
    let folder = try TemporaryFolder()
    let images = Activation.probe(seed: 3, shape: [3, 40, 33, 3])
    let path = try write(
      [("input", TensorData(shape: images.shape, values: images.values))], to: folder)
    var request = ConversionRequest(
      source: Fixture.path("keras/narrow.h5"), output: folder.file("x.rnw"))
    request.input = .path(path)
    let outcome = try convert(request) { _, _ in }
    let given = try certificate(request.output)
    let bytes = images.values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
    }
    let digest = sha256(of: try MappedFile(path: folder.write(bytes, to: "values")))
    let compared = try #require(given.compared)
    #expect(compared.input.sha256 == digest && compared.input.seed == nil)
    #expect(compared.input.images == 3 && compared.input.shape == [1, 40, 33, 3])
    #expect(compared.layers.count == outcome.comparison.layers.count)
    #expect(compared.layers["stem.conv"] == [1, 20, 17, 8])
    #expect(compared.tensors == outcome.model.graph.parameters.count)
    // The values are those of the probe, whatever the layers were compared on.
    #expect(given.probe.seed == 1 && given.probe.shape == [1, 224, 224, 3])

    request.input = .standardProbe
    request.output = folder.file("y.rnw")
    _ = try convert(request) { _, _ in }
    let standard = try #require(try certificate(request.output).compared)
    #expect(standard.input.seed == 1 && standard.input.images == 1)
    #expect(standard.input.sha256 != digest)
  }

  @Test("A weight of a channel that no input wakes is compared all the same")
  func findsSleepingFaults() throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("keras/narrow.h5")
    let model = try Model(path: source)
    let (relu, channel) = try #require(try sleepingChannel(of: model))
    // What it reads is the norm before: a lower shift leaves it asleep.
    let norm = model.graph.nodes[model.graph.nodes[relu].inputs[0]]
    let shift = try #require(norm.parameters.first { $0.role == .shift })
    let changed = try #require(model.tensorNames[shift.name])
    var tensors: [(String, TensorData)] = []
    for info in model.source.tensors {
      let tensor = try model.source.tensor(named: info.name)
      var values = tensor.floats()
      if info.name == changed { values[channel] -= 0.5 }
      tensors.append((info.name, TensorData(shape: tensor.shape, values: values)))
    }
    let other = try write(tensors, to: folder)
    let outcome = try verify(VerificationRequest(model: other), against: source) { _, _ in }
    #expect(!outcome.verdict.passes)
    #expect(outcome.weights?.different.map(\.name) == [shift.name])
    #expect(outcome.weights?.different.first?.firstChannel == channel)
    #expect(outcome.sleeping.asleep > 0 && outcome.sleeping.asleep < outcome.sleeping.count)
    #expect(outcome.verdict.notes.contains { $0.contains("--input probe:1:8 wakes more") })
    var same = VerificationRequest(model: source)
    same.input = .probe(seed: 1, count: 8)
    let more = try verify(same, against: source) { _, _ in }
    #expect(more.verdict.passes && more.weights?.agrees == true)
    #expect(more.sleeping.asleep < outcome.sleeping.asleep)
  }

  @Test("The search for a cause ends in time, and the verdict is told before it")
  func boundsTheSearch() throws {
    let told = Calls()
    var request = VerificationRequest(model: Fixture.path("keras/broken/transposed.h5"))
    var search = CauseSearch()
    search.seconds = 0
    search.begins = { told.add(done: $0.verdict.failed, total: $0.verdict.failed) }
    request.search = search
    let reference = Fixture.path("keras/narrow.h5")
    let bounded = try verify(request, against: reference) { _, _ in }
    #expect(!bounded.verdict.passes && bounded.suspicion == nil && told.isInOrder)
    #expect(bounded.verdict.notes.contains { $0.contains("was ended after 0 s") })
    request.search = nil
    let none = try verify(request, against: reference) { _, _ in }
    #expect(!none.verdict.passes && none.suspicion == nil && none.searchedSeconds == nil)
  }

  @Test("Weights that are not finite pass only where that is asked for, and prove nothing later")
  func acceptsInvalid() throws {
    let folder = try TemporaryFolder()
    let source = Fixture.path("keras/broken/nan.h5")
    var request = ConversionRequest(source: source, output: folder.file("x.rnw"))
    request.acceptsInvalid = true
    let outcome = try convert(request) { _, _ in }
    #expect(outcome.passes)
    #expect(outcome.comparison.verdict.notes.contains { $0.contains("accepted") })
    let check = try verifyAlone(VerificationRequest(model: request.output))
    #expect(!check.passes)
    let again = try verify(VerificationRequest(model: request.output), against: source) {
      _, _ in
    }
    #expect(!again.verdict.passes)
    var bench = BenchRequest(model: request.output)
    bench.size = 32
    #expect(try benchAccuracy(bench).layers.contains { $0.error == .infinity })
  }

  @Test("A constant output and images of one pixel are remarked on")
  func remarks() throws {
    let folder = try TemporaryFolder()
    let path = try write(
      [("input", TensorData(shape: [1, 1, 1, 3], values: [0.5, 0.25, 1]))], to: folder)
    var request = VerificationRequest(model: Fixture.path("keras/narrow.h5"))
    request.input = .path(path)
    let outcome = try verify(request, against: Fixture.path("keras/narrow.h5")) { _, _ in }
    #expect(outcome.verdict.passes)
    #expect(outcome.verdict.notes.contains { $0.contains("saw images of one pixel") })
  }

  /// A ReLU with a channel that the standard probe does not wake.
  private func sleepingChannel(of model: Model) throws -> (node: Int, channel: Int)? {
    let executor = ReferenceExecutor(
      graph: model.graph, parameters: try model.parameters(threads: 1), pool: WorkerPool(threads: 1)
    )
    var found: (Int, Int)?
    var images = try InputImages(.standardProbe, for: model, passesStrangers: true)
    let input = try #require(try images.next())
    _ = try executor.run(input) { node, value in
      guard found == nil, model.graph.nodes[node].operation == .relu,
        case .norm = model.graph.nodes[model.graph.nodes[node].inputs[0]].operation
      else { return }
      let channels = value.shape.dimensions.last ?? 1
      let channel = (0..<channels).first { channel in
        stride(from: channel, to: value.values.count, by: channels).allSatisfy {
          value.values[$0] == 0
        }
      }
      found = channel.map { (node, $0) }
    }
    return found
  }

  private func certificate(_ path: String) throws -> CertificateRecord {
    let file = try #require(try Model(path: path).converted)
    return try #require(try file.certificate(as: CertificateRecord.self))
  }

  private func write(
    _ tensors: [(name: String, tensor: TensorData)], to folder: TemporaryFolder
  ) throws -> String {
    let path = folder.file("arrays.npz")
    let file = try OutputFile(path: path, replacing: true)
    var writer = NPZWriter(to: file)
    for (name, tensor) in tensors { try writer.append(name, tensor) }
    try writer.finish()
    try file.commit()
    return path
  }
}
