internal import CRNW
import Inference
import RNW
import ResNetV2
import Tensors

/// A file's network, computed again and compared with what the file certifies.
struct CertificateCheck {
  /// max |a − b| / max |b|.
  let scaledError: Double

  private let path: String
  private let limit: Double

  /// Runs the network on the certificate's probe.
  ///
  /// - Throws: `Failure` where the file has no certificate, or does not hold the network that it
  ///   describes.
  init(of file: RNWFile, threads: Int) throws {
    guard let certificate: Certificate = try file.certificate() else {
      throw Failure(RNW_NO_CERTIFICATE, "\(file.path): was made, not converted: no certificate")
    }
    guard let shape = certificate.probeShape else {
      throw InputError(
        .badData, path: file.path, "has a certificate of an impossible probe",
        place: "rnw.certificate")
    }
    let executor = try Self.executor(of: file, threads: threads)
    do {
      let probe = Activation.probe(seed: certificate.probe.seed, shape: shape)
      scaledError = certificate.scaledError(of: try executor.certifiedValues(for: probe))
    } catch let error as InputShapeError {
      throw InputError(.badData, path: file.path, error.description, place: "rnw.certificate")
    }
    limit = certificate.limit
    path = file.path
  }

  /// - Throws: `Failure` where the error is over the limit.
  func requirePass() throws {
    guard scaledError <= limit else {
      throw Failure(
        RNW_OUT_OF_LIMIT, "\(path): differs by \(scaledError) from its certificate (limit \(limit))"
      )
    }
  }

  private static func executor(of file: RNWFile, threads: Int) throws -> FastExecutor {
    do {
      let graph = try Graph(try file.configuration(as: Configuration.self))
      let tensors = try graph.parameters.map { ($0.name, try file.tensor(named: $0.name)) }
      let parameters = try Parameters(Dictionary(uniqueKeysWithValues: tensors), for: graph)
      return FastExecutor(graph: graph, parameters: parameters, threads: threads, winograd: false)
    } catch let error as ConfigurationError {
      throw InputError(
        .badData, path: file.path, "describes an impossible network", place: error.description)
    } catch let error as ParametersError {
      throw InputError(
        .badData, path: file.path, "does not hold the network that it describes", place: "\(error)")
    }
  }
}
