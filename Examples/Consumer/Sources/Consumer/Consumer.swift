import Inference
import RNW
import ResNetV2
import Tensors

/// Opens a converted network and runs it, as an app would that has nothing to do with conversion.
@main
struct Consumer {
  static func main() throws {
    let model = try RNWFile(path: CommandLine.arguments[1])
    let graph = try Graph(model.configuration(as: Configuration.self))
    let tensors = try graph.parameters.map { ($0.name, try model.tensor(named: $0.name)) }
    let parameters = try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
    let executor = FastExecutor(graph: graph, parameters: parameters, threads: 2)

    // Does this machine compute what was compared when the file was converted?
    if let certificate: Certificate = try model.certificate(), let shape = certificate.probeShape {
      let probe = Activation.probe(seed: certificate.probe.seed, shape: shape)
      let error = certificate.scaledError(of: try executor.certifiedValues(for: probe))
      guard error <= certificate.limit else { fatalError("\(error) > \(certificate.limit)") }
      print("certificate: error \(error) of at most \(certificate.limit)")
    }

    // One image of 64×64: [N, H, W, C], preprocessed as `model.preprocessing()` says.
    let image = Activation(
      shape: [1, 64, 64, 3], values: [Float](repeating: 0.5, count: 64 * 64 * 3))
    let output = try executor.run(image, observer: nil)
    let best = output.values.indices.max { output.values[$0] < output.values[$1] }
    print("class \(best ?? 0) of \(output.shape)")
  }
}
