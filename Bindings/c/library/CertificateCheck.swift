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
    guard certificate.isPossible, let shape = certificate.probeShape else {
      throw InputError(
        .badData, path: file.path, "has a certificate that certifies nothing",
        place: "rnw.certificate")
    }
    let network = try DescribedNetwork(of: file)
    let executor = FastExecutor(
      graph: network.graph, parameters: try network.parameters(), threads: threads,
      winograd: false)
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
}
