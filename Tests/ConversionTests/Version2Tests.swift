import Foundation
import Inference
import RNW
import ResNetV2
import Tensors
import TestSupport
import Testing

@testable import Conversion

@Suite("Files of version 2.0")
struct Version2Tests {
  @Test("Both executors give what numpy certified, written from the page of the format")
  func agreesWithCertificate() throws {
    let file = try RNWFile(path: Fixture.path("rnw/version2.planes.rnw"))
    let graph = try Graph(try file.configuration(as: Configuration.self))
    #expect(graph.configuration.formatMajor == 2)
    let tensors = try graph.parameters.map { ($0.name, try file.tensor(named: $0.name)) }
    let parameters = try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
    let certificate = try #require(try file.certificate(as: CertificateRecord.self))
    #expect(certificate.node == graph.nodes[graph.certifiedNode].name)
    let probe = Activation.probe(
      seed: certificate.probe.seed, shape: Shape(certificate.probe.shape),
      range: ProbeRange(
        scale: certificate.probe.scale ?? [], offset: certificate.probe.offset ?? []))
    // What the certificate says is what the network's own adjustment makes [−1, 1) of.
    #expect(ProbeRange(graph.configuration.input).scale == certificate.probe.scale)
    #expect(ProbeRange(graph.configuration.input).offset == certificate.probe.offset)
    let executors: [any Executor] = [
      ReferenceExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 1)),
      FastExecutor(graph: graph, parameters: parameters, pool: WorkerPool(threads: 2)),
    ]
    for executor in executors {
      let values = try executor.certifiedValues(for: probe)
      let largest = certificate.values.reduce(0) { max($0, abs($1)) }
      for (value, certified) in zip(values, certificate.values) {
        #expect(abs(value - certified) <= 2e-6 * largest)
      }
    }
  }
}
