package import Files
public import RNW
import ResNetV2
import Tensors

/// Whether a network still computes what it did when its file was converted: its values for the probe of the file's
/// certificate, beside the certified ones.
public struct CertificateCheck: Hashable, Sendable {
  /// The largest difference from the certified values, in units of the largest of them: max |a − b| / max |b|.
  public let scaledError: Double

  /// The largest that it may be.
  public let limit: Double

  /// The first layer that is farther off than it may be, by the file's fingerprints; `nil` where none is, or the file has
  /// none.
  ///
  /// A layer may be wrong though the output hardly shows it.
  public let firstWrong: LayerCheck?

  /// Whether the values are within the limit, and no layer is wrong.
  public var passes: Bool { scaledError <= limit && firstWrong == nil }

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
    let fingerprints = certificate.fingerprints
    var wrong: LayerCheck?
    do {
      let values = try executor.certifiedValues(for: probe) { node, value in
        guard wrong == nil else { return }
        let name = executor.graph.nodes[node].name
        wrong = fingerprints?.check(name, value).flatMap { $0.passes ? nil : $0 }
      }
      scaledError = certificate.scaledError(of: values)
    } catch {
      throw InputError(.badData, path: path, "\(error)", place: "rnw.certificate")
    }
    limit = certificate.limit
    firstWrong = wrong
  }
}

extension Fingerprints {
  /// Checks the value of a layer for the first image.
  fileprivate func check(_ name: String, _ value: Activation) -> LayerCheck? {
    value.values.withUnsafeBufferPointer { values in
      let image = values.prefix(values.count / max(value.shape[0], 1))
      return check(name, values: UnsafeBufferPointer(rebasing: image))
    }
  }
}
