internal import CRNW
import Files
import Inference
import RNW
import Tensors

/// Compares the tensors of a file with their checksums, and all with the network that it describes.
///
/// - Throws: `InputError` for the first that is wrong.
func check(_ file: RNWFile) throws {
  _ = try ConvertedNetwork(file)
  try file.verify()
}

/// Computes a file's network again and compares with what the file certifies.
///
/// - Throws: `Failure` where the file has no certificate; `InputError` where it does not hold the network that it
///   describes.
func checkCertificate(of file: RNWFile, threads: Int) throws -> CertificateCheck {
  guard let certificate: Certificate = try file.certificate() else {
    throw Failure(RNW_NO_CERTIFICATE, "\(file.path): was made, not converted: no certificate")
  }
  let network = try ConvertedNetwork(file)
  let pool = WorkerPool(threads: threads)
  let executor = FastExecutor(
    graph: network.graph, parameters: try network.parameters(threads: threads), pool: pool,
    expecting: certificate.probeShape)
  return try CertificateCheck(certificate, of: file.path, with: executor)
}

/// The first image of the probe of a file's certificate.
///
/// - Throws: `Failure` where the file has no certificate; `InputError` where that certifies nothing.
func probe(of file: RNWFile, layout: LayerLayout) throws -> [Float] {
  guard let certificate: Certificate = try file.certificate() else {
    throw Failure(RNW_NO_CERTIFICATE, "\(file.path): was made, not converted: no certificate")
  }
  guard certificate.isPossible, let shape = certificate.probeShape else {
    throw InputError(
      .badData, path: file.path, "has a certificate that certifies nothing",
      place: "rnw.certificate")
  }
  let (channels, pixels) = (shape[3], shape[1] * shape[2])
  let values = Activation.probe(certificate.probe, shape: shape).values.prefix(pixels * channels)
  guard layout == .channelsFirst else { return Array(values) }
  return (0..<pixels * channels).map { values[$0 % pixels * channels + $0 / pixels] }
}
