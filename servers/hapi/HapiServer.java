import ca.uhn.fhir.batch2.api.IJobMaintenanceService;
import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.batch2.jobs.export.BulkDataExportProvider;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.IDaoRegistry;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.binstore.DatabaseBinaryContentStorageSvcImpl;
import ca.uhn.fhir.jpa.config.HibernatePropertiesProvider;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.r5.JpaR5Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.config.util.ResourceCountCacheUtil;
import ca.uhn.fhir.jpa.dao.FulltextSearchSvcImpl;
import ca.uhn.fhir.jpa.dao.IFulltextSearchSvc;
import ca.uhn.fhir.jpa.dao.search.HSearchSortHelperImpl;
import ca.uhn.fhir.jpa.dao.search.IHSearchSortHelper;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirPostgresDialect;
import ca.uhn.fhir.jpa.provider.DaoRegistryResourceSupportedSvc;
import ca.uhn.fhir.jpa.provider.IJpaSystemProvider;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.ValueSetOperationProvider;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.search.IStaleSearchDeletingSvc;
import ca.uhn.fhir.jpa.search.StaleSearchDeletingSvcImpl;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.jpa.topic.SubscriptionTopicConfig;
import ca.uhn.fhir.jpa.util.ResourceCountCache;
import ca.uhn.fhir.rest.api.IResourceSupportedSvc;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import javax.sql.DataSource;
import org.apache.commons.dbcp2.BasicDataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.hibernate.dialect.Dialect;
import org.hl7.fhir.dstu2.model.Subscription.SubscriptionChannelType;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * The HAPI FHIR JPA libraries wired to a running server on 127.0.0.1, as small as they allow.
 *
 * <p>System properties: {@code port} (0: any free one), {@code release} (R4 or R5), {@code jdbc},
 * {@code databaseUser}, {@code exitWithParent} (leave when the standard input ends).
 * The database password comes as the environment variable FHIR_BACKPAIN_HAPI_DB_PASSWORD, because
 * every user of the machine can read a command line.
 *
 * <p>Prints one line {@code ready PORT} once requests are taken. The FHIR base is {@code /fhir}.
 */
@Configuration
@Import({
	ThreadPoolFactoryConfig.class,
	JpaBatch2Config.class,
	Batch2JobsConfig.class,
	SubscriptionChannelConfig.class,
	SubscriptionProcessorConfig.class,
	SubscriptionSubmitterConfig.class
})
public class HapiServer {
	private static final String JDBC = System.getProperty("jdbc", "jdbc:h2:mem:fhir;DB_CLOSE_DELAY=-1");
	private static final Dialect DIALECT =
			JDBC.startsWith("jdbc:postgresql") ? new HapiFhirPostgresDialect() : new HapiFhirH2Dialect();

	public static void main(String[] arguments) {
		if (Boolean.getBoolean("exitWithParent")) {
			exitWhenInputEnds();
		}
		try {
			serve(System.getProperty("release", "R4"), Integer.getInteger("port", 0));
		} catch (Exception failure) {
			failure.printStackTrace();
			System.exit(1); // HAPI's threads would keep a half-started server alive.
		}
	}

	private static void serve(String release, int port) throws Exception {
		Server jetty = new Server(new InetSocketAddress("127.0.0.1", port));
		ServerConnector connector = (ServerConnector) jetty.getConnectors()[0];
		connector.open(); // A taken port is found out before the long start, not after it.
		AnnotationConfigApplicationContext context = applicationContext(release);
		context.registerShutdownHook();

		ServletContextHandler handler = new ServletContextHandler("/");
		handler.addServlet(new ServletHolder(context.getBean(RestfulServer.class)), "/fhir/*");
		jetty.setHandler(handler);
		jetty.setStopAtShutdown(true);
		jetty.start();
		runBatchJobsEverySecond(context.getBean(IJobMaintenanceService.class));
		System.out.println("ready " + connector.getLocalPort());
		jetty.join();
	}

	/** A parent that was killed cannot stop its server; the end of the pipe between them tells the server. */
	private static void exitWhenInputEnds() {
		Thread watcher = new Thread(() -> {
			try {
				while (System.in.read() >= 0) {
					// What is written here means nothing; only the end counts.
				}
			} catch (IOException brokenPipe) {
				// Also the end.
			}
			System.exit(0);
		});
		watcher.setDaemon(true);
		watcher.start();
	}

	private static AnnotationConfigApplicationContext applicationContext(String release) {
		AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
		context.setAllowCircularReferences(true); // HAPI's own configuration classes refer to each other.
		context.register(HapiServer.class);
		switch (release) {
			case "R4" -> context.register(JpaR4Config.class);
			case "R5" -> context.register(JpaR5Config.class, SubscriptionTopicConfig.class);
			default -> throw new IllegalArgumentException("release is R4 or R5, not " + release);
		}
		context.refresh();
		return context;
	}

	/** Bulk exports advance one step in each maintenance pass; HAPI's own pass comes once a minute only. */
	private static void runBatchJobsEverySecond(IJobMaintenanceService jobs) {
		Executors.newSingleThreadScheduledExecutor(task -> {
			Thread thread = new Thread(task, "batch-jobs");
			thread.setDaemon(true);
			return thread;
		}).scheduleWithFixedDelay(jobs::runMaintenancePass, 1, 1, TimeUnit.SECONDS);
	}

	// ---- What the server answers ----

	@Bean
	public RestfulServer restfulServer(
			IFhirSystemDao<?, ?> systemDao,
			ResourceProviderFactory resourceProviders,
			IJpaSystemProvider systemProvider,
			JpaStorageSettings settings,
			ISearchParamRegistry searchParameters,
			IValidationSupport validation,
			DatabaseBackedPagingProvider paging,
			BulkDataExportProvider bulkExport,
			ValueSetOperationProvider valueSetOperations) {
		RestfulServer server = new RestfulServer(systemDao.getContext());
		server.registerProviders(resourceProviders.createProviders());
		server.registerProviders(systemProvider, bulkExport, valueSetOperations);
		server.setServerConformanceProvider(
				new JpaCapabilityStatementProvider(server, systemDao, settings, searchParameters, validation));
		server.setPagingProvider(paging);
		return server;
	}

	@Bean
	public JpaStorageSettings storageSettings() {
		JpaStorageSettings settings = new JpaStorageSettings();
		// Both let tests clean up after themselves: DELETE by search, and $expunge.
		settings.setAllowMultipleDelete(true);
		settings.setExpungeEnabled(true);
		return settings;
	}

	@Bean
	public SubscriptionSettings subscriptionSettings() {
		SubscriptionSettings settings = new SubscriptionSettings();
		settings.addSupportedSubscriptionType(SubscriptionChannelType.RESTHOOK);
		return settings;
	}

	@Bean
	public DatabaseBackedPagingProvider databaseBackedPagingProvider() {
		DatabaseBackedPagingProvider paging = new DatabaseBackedPagingProvider();
		// Small pages by default, so that a client which forgets to follow links is found out.
		paging.setDefaultPageSize(20);
		paging.setMaximumPageSize(1000);
		return paging;
	}

	// ---- Where it stores ----

	@Bean
	public DataSource dataSource() {
		BasicDataSource source = new BasicDataSource();
		source.setUrl(JDBC);
		source.setUsername(System.getProperty("databaseUser", "sa"));
		source.setPassword(Optional.ofNullable(System.getenv("FHIR_BACKPAIN_HAPI_DB_PASSWORD")).orElse(""));
		source.setMaxTotal(20);
		return source;
	}

	@Bean
	@Primary
	public LocalContainerEntityManagerFactoryBean entityManagerFactory(
			ConfigurableListableBeanFactory beans, FhirContext fhir, JpaStorageSettings settings, DataSource source) {
		LocalContainerEntityManagerFactoryBean factory =
				HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, fhir, settings);
		Properties jpa = new Properties();
		jpa.put("hibernate.dialect", DIALECT.getClass().getName());
		jpa.put("hibernate.hbm2ddl.auto", "update"); // Makes the tables on first use.
		jpa.put("hibernate.jdbc.batch_size", "20");
		jpa.put("hibernate.search.enabled", "false"); // No Lucene index: _content and _text are not served.
		factory.setPersistenceUnitName("HAPI_PU");
		factory.setDataSource(source);
		factory.setJpaProperties(jpa);
		return factory;
	}

	@Bean
	@Primary
	public JpaTransactionManager transactionManager(EntityManagerFactory factory) {
		return new JpaTransactionManager(factory);
	}

	@Bean
	@Primary
	public HibernatePropertiesProvider hibernateProperties() {
		return new HibernatePropertiesProvider() {
			@Override
			public Dialect getDialect() {
				return DIALECT;
			}
		};
	}

	@Bean
	public DatabaseBinaryContentStorageSvcImpl binaryStorage() {
		return new DatabaseBinaryContentStorageSvcImpl();
	}

	// ---- Parts that HAPI injects but does not make itself ----

	@Bean
	public PartitionSettings partitionSettings() {
		return new PartitionSettings();
	}

	@Bean
	public IFulltextSearchSvc fullTextSearch() {
		return new FulltextSearchSvcImpl();
	}

	@Bean
	public IHSearchSortHelper searchSortHelper(ISearchParamRegistry searchParameters) {
		return new HSearchSortHelperImpl(searchParameters);
	}

	@Bean
	public IStaleSearchDeletingSvc staleSearchDeleting() {
		return new StaleSearchDeletingSvcImpl();
	}

	@Bean
	public IResourceSupportedSvc resourceSupported(IDaoRegistry daos) {
		return new DaoRegistryResourceSupportedSvc(daos);
	}

	@Bean(name = "myResourceCountsCache")
	public ResourceCountCache resourceCountsCache(IFhirSystemDao<?, ?> systemDao) {
		return ResourceCountCacheUtil.newResourceCountCache(systemDao);
	}

	/** Subscriptions by e-mail are not offered; the part that would send them must exist all the same. */
	@Bean
	public IEmailSender emailSender() {
		return details -> {};
	}
}
