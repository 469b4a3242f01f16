import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.hl7.fhir.r4.formats.JsonParser;
import org.hl7.fhir.r4.formats.XmlParser;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.DomainResource;
import org.hl7.fhir.r4.model.Resource;

/**
 * Writes each definition of FHIR 4.0.1 as a JSON file of its own, as a FHIR package wants it.
 *
 * <p>Arguments: the jar {@code hapi-fhir-validation-resources-r4}, which holds HL7's definitions as XML
 * bundles, and the folder to write to.
 */
public final class DefinitionsPackage {
	private static final String DEFINITION_BUNDLES = ".*/model/(profile|valueset|extension)/[^/]+\\.xml";
	private static final String SEARCH_PARAMETERS = "/model/sp/search-parameters.json";

	private final Path folder;
	private final Set<String> written = new HashSet<>();

	private DefinitionsPackage(Path folder) {
		this.folder = folder;
	}

	public static void main(String[] arguments) throws IOException {
		Path folder = Files.createDirectories(Path.of(arguments[1]));
		DefinitionsPackage definitions = new DefinitionsPackage(folder);
		try (ZipFile jar = new ZipFile(arguments[0])) {
			for (ZipEntry entry : jar.stream().toArray(ZipEntry[]::new)) {
				definitions.addBundle(jar, entry);
			}
		}
		System.out.println(definitions.written.size() + " definitions");
	}

	private void addBundle(ZipFile jar, ZipEntry entry) throws IOException {
		boolean isXml = entry.getName().matches(DEFINITION_BUNDLES);
		if (!isXml && !entry.getName().endsWith(SEARCH_PARAMETERS)) {
			return;
		}
		try (InputStream content = jar.getInputStream(entry)) {
			Bundle bundle = (Bundle) (isXml ? new XmlParser() : new JsonParser()).parse(content);
			for (Bundle.BundleEntryComponent part : bundle.getEntry()) {
				write(part.getResource());
			}
		}
	}

	/** The bundles overlap; the first copy of a definition stays. */
	private void write(Resource definition) throws IOException {
		String name = definition.fhirType() + "-" + definition.getIdElement().getIdPart();
		if (!written.add(name)) {
			return;
		}
		if (definition instanceof DomainResource readable) {
			readable.setText(null); // The narrative is most of the bytes, and no rule looks at it.
		}
		try (OutputStream file = Files.newOutputStream(folder.resolve(name + ".json"))) {
			new JsonParser().compose(file, definition);
		}
	}
}
