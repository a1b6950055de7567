package import Files
package import RNW
import ResNetV2
import Tensors

/// Whether a network still computes what it did when its file was converted: its values for the probe of the file's
/// certificate, beside the certified ones.
public struct CertificateCheck: Hashable, Sendable {
  /// The largest difference from the certified values, in units of the largest of them: max |a − b| / max |b|.
  public let scaledError: Double

  /// The largest that it may be.
  public let limit: Double

  /// Whether it is within the limit.
  public var passes: Bool { scaledError <= limit }

  /// Runs a network on the probe of its file's certificate.
  ///
  /// - Parameters:
  ///   - certificate: what the file certifies.
  ///   - path: the file, for messages.
  /// - Throws: `InputError` where the certificate certifies nothing, or is of an input that the network does not take.
  package init(
    _ certificate: Certificate, of path: String, with executor: some Executor
  ) throws(InputError) {
    guard certificate.isPossible, let shape = certificate.probeShape else {
      throw InputError(
        .badData, path: path, "has a certificate that certifies nothing", place: "rnw.certificate")
    }
    let probe = Activation.probe(certificate.probe, shape: shape)
    do {
      scaledError = certificate.scaledError(of: try executor.certifiedValues(for: probe))
    } catch {
      throw InputError(.badData, path: path, "\(error)", place: "rnw.certificate")
    }
    limit = certificate.limit
  }
}
